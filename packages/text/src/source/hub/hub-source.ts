import { datasetInfo } from '@huggingface/hub';
import { DataRefError, isDataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { formatOfFile, type FileFormat } from '../files/file-format.js';
import { checkReading, listedFiles, sourceOfFiles, type SourceFile } from '../files/file-source.js';
import type { DataFiles } from '../files/find-files.js';
import type { SampleBy } from '../files/text-units.js';
import type { TextSource } from '../text-source.js';
import { convertedFiles, datasetFiles } from './dataset-files.js';
import { download } from './download.js';
import { asked, type Hub } from './hub.js';
import { filesOf, REPOSITORY_NAME, type Repository, type RepositoryFile } from './repository-file.js';

export interface HubSourceOptions {
  /** `owner/name`, or the name alone of what the hub knows by it. */
  readonly datasetName: string;
  readonly datasetConfigName?: string | undefined;
  /** Commit, branch or tag; default: the newest. */
  readonly revision?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Paths or globs in the repository, or those by split. */
  readonly dataFiles?: DataFiles | undefined;
  readonly columns: readonly string[];
  readonly format?: FileFormat | undefined;
  readonly sampleBy?: SampleBy | undefined;
  readonly signal?: AbortSignal | undefined;
}

const COMMIT = /^[\w.-]{1,100}$/u;
/** The branch where the hub keeps what it converted. */
const CONVERTED = 'refs/convert/parquet';

/**
 * Text of a dataset on a hub: of its own files, or of those that the hub converted to Parquet where it is a script. Only
 * the names and hashes of files are asked for here; each file is fetched when its first unit is wanted.
 * @throws DataRefError NOT_FOUND for a dataset, revision, configuration or file that there is not, or that is private;
 * INVALID_ARGUMENT where a configuration must be named; STORE_FAILED, TIMEOUT; as openFileSource while units are read
 */
export async function openHubSource(hub: Hub, options: HubSourceOptions): Promise<TextSource> {
  const { datasetConfigName, columns, format, sampleBy = 'line', signal } = options;
  checkReading(options);
  for (const name of ['revision', 'datasetConfigName'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'string')
      throw new DataRefError('INVALID_ARGUMENT', `${name}: must be a string, got ${describeValue(options[name])}`);
  const dataset = await datasetOf(hub, options);
  const files = await chosenFiles(hub, dataset, options);
  const source = new Map<string, SourceFile[]>();
  for (const [split, some] of files)
    source.set(
      split,
      some.map((file) => sourceFile(hub, file, format)),
    );
  signal?.throwIfAborted();
  const origin = {
    kind: 'hub',
    hub: hub.url,
    dataset: dataset.name,
    config: datasetConfigName,
    revision: dataset.revision,
    ...listedFiles(files, pathOf),
  };
  return sourceOfFiles(source, { columns, sampleBy, origin });
}

function sourceFile(hub: Hub, file: RepositoryFile, format: FileFormat | undefined): SourceFile {
  return {
    path: file.path,
    name: `${file.path} of ${file.name}`,
    ...formatOfFile(file.path, format),
    hash: file.hash,
    fetch: (signal) => download(hub, file, signal),
  };
}

interface Dataset extends Repository {
  readonly card: unknown;
}

/** A dataset by its true name, at a commit. */
async function datasetOf(hub: Hub, { datasetName, revision, signal }: HubSourceOptions): Promise<Dataset> {
  if (typeof datasetName !== 'string' || !REPOSITORY_NAME.test(datasetName))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `datasetName: must be like "owner/name", got ${describeValue(datasetName)}`,
    );
  const at = revision === undefined ? '' : ` at ${JSON.stringify(revision)}`;
  const info = await asked(hub, `dataset ${JSON.stringify(datasetName)}${at}`, signal, () =>
    datasetInfo({
      name: datasetName,
      revision: revision ?? 'main',
      additionalFields: ['sha', 'cardData'],
      hubUrl: hub.url,
      fetch: hub.fetchFor(signal),
    }),
  );
  const { name, sha, cardData } = info as {
    readonly name?: unknown;
    readonly sha?: unknown;
    readonly cardData?: unknown;
  };
  if (typeof name !== 'string' || !REPOSITORY_NAME.test(name) || typeof sha !== 'string' || !COMMIT.test(sha))
    throw new DataRefError('STORE_FAILED', `${hub.url}: tells no name and commit of ${datasetName}; look at hubUrl`);
  return { type: 'dataset', name, revision: sha, card: cardData };
}

async function chosenFiles(
  hub: Hub,
  dataset: Dataset,
  options: HubSourceOptions,
): Promise<ReadonlyMap<string, readonly RepositoryFile[]>> {
  const { datasetConfigName: configName, dataDir, dataFiles, format, revision, signal } = options;
  const { name } = dataset;
  const own = await filesOf(hub, dataset, { recursive: true, signal });
  if (revision === CONVERTED) return picked(own, convertedFiles(name, own.map(pathOf), configName));
  const splits = datasetFiles(own.map(pathOf), dataset.card, { dataset: name, configName, dataDir, dataFiles, format });
  if (splits !== undefined) return picked(own, splits);
  if (revision !== undefined)
    throw new DataRefError(
      'NOT_FOUND',
      `dataset ${JSON.stringify(name)} has no files of text at ${JSON.stringify(revision)}; give dataFiles and format`,
    );
  const converted = await convertedOf(hub, name, signal);
  return picked(converted, convertedFiles(name, converted.map(pathOf), configName));
}

/** What the hub converted of a dataset, [] where it did not. */
async function convertedOf(
  hub: Hub,
  name: string,
  signal: AbortSignal | undefined,
): Promise<readonly RepositoryFile[]> {
  try {
    const converted = await datasetOf(hub, { datasetName: name, revision: CONVERTED, columns: [], signal });
    return await filesOf(hub, converted, { recursive: true, signal });
  } catch (error) {
    if (isDataRefError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

function pathOf({ path }: RepositoryFile): string {
  return path;
}

function picked(
  files: readonly RepositoryFile[],
  splits: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly RepositoryFile[]> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return new Map(Array.from(splits, ([split, paths]) => [split, paths.flatMap((path) => byPath.get(path) ?? [])]));
}
