import { join } from 'node:path';
import { ioOptionsOf, refuseUnknown } from '@dataref/core/adapter';
import { tokenizerOfHub } from '../source/hub/hub-tokenizer.js';
import { openHub, type Hub } from '../source/hub/hub.js';
import { openHubSource } from '../source/hub/hub-source.js';
import type { DataFiles } from '../source/files/find-files.js';
import { openFileSource } from '../source/files/file-source.js';
import type { FileFormat } from '../source/files/file-format.js';
import type { SampleBy } from '../source/files/text-units.js';
import { openRecordSource, type RecordsBySplit } from '../source/records/record-source.js';
import { buildCache } from '../cache/build-cache.js';
import { findCache } from '../cache/cache-folder.js';
import type { TextSource } from '../source/text-source.js';
import { openTokenizer } from '../tokenizer/open-tokenizer.js';
import { checkTokenizer } from '../tokenizer/own-tokenizer.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import {
  checkMemory,
  checkOptions,
  directoryOf,
  type CheckedOptions,
  type EncodeOptions,
  type MemoryOptions,
} from './options.js';
import { TokenDataset } from './token-dataset.js';

export interface FromHubOptions extends FromFilesOptions {
  /** `owner/name`, or the name alone of what the hub knows by it. */
  readonly datasetName: string;
  /** Which of its configurations, where it has several. */
  readonly datasetConfigName?: string | undefined;
  /** Commit, branch or tag. Default: the newest. */
  readonly revision?: string | undefined;
}

export interface FromFilesOptions extends EncodeOptions {
  /** Paths or globs below `dataDir`, or those by split. Default: all files of `dataDir`, their splits told by their names. */
  readonly dataFiles?: DataFiles | undefined;
  readonly dataDir?: string | undefined;
  /** What the files hold. Default: what each name says. */
  readonly format?: FileFormat | undefined;
  /** What is one row of a text file. Default 'line'. */
  readonly sampleBy?: SampleBy | undefined;
}

export interface FromRecordsOptions extends EncodeOptions {
  /** Same records, same string: needed for what is no DataRef, which has its own. */
  readonly fingerprint?: string | undefined;
}

export interface FromCacheOptions extends MemoryOptions {
  /** What `tokenizer()` gives, where the cache was made with an object or a module of one's own. */
  readonly tokenizer?: Tokenizer | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FILE_OPTIONS = ['dataFiles', 'dataDir', 'format', 'sampleBy'];
/** Where downloads are kept, in the folder of the caches. */
const DOWNLOADS = '.downloads';

/**
 * A dataset of Hugging Face's hub, or of another of its kind, encoded unless there is a cache of it. What is downloaded is
 * kept in the folder of the caches, verified, and taken up again where it broke off.
 * @throws DataRefError NOT_FOUND for a dataset, configuration, split or file that there is not, or that is private; TIMEOUT;
 *   and as `fromFiles` does
 */
async function fromHub(options: FromHubOptions): Promise<TokenDataset> {
  const { common, rest } = checkOptions('fromHub', options, [
    'datasetName',
    'datasetConfigName',
    'revision',
    ...FILE_OPTIONS,
  ]);
  const { settings, signal } = common;
  return encoded(common, (hub) => openHubSource(hub, { ...rest, columns: settings.mappingColumnName, signal }));
}

/**
 * Text files, encoded unless there is a cache of them: text, JSON, CSV, TSV, Parquet and Arrow, compressed too.
 * @throws DataRefError NOT_FOUND for a pattern without a file; UNSUPPORTED, CORRUPT for a file that is not what it says;
 *   SCHEMA_MISMATCH for a column that is not there, or holds no text; INVALID_ARGUMENT, also where an EOS is asked for that the
 *   tokenizer has not; EMPTY where a split would have no rows; MAP_FAILED, OUT_OF_RANGE for what the tokenizer does with a row;
 *   DISK_FULL, STORE_FAILED
 */
async function fromFiles(options: FromFilesOptions): Promise<TokenDataset> {
  const { common, rest } = checkOptions('fromFiles', options, FILE_OPTIONS);
  const { settings, signal } = common;
  return encoded(common, () => openFileSource({ ...rest, columns: settings.mappingColumnName, signal }));
}

/**
 * Records, encoded unless there is a cache of them: a DataRef, an iterable, a function that makes one, or those by split.
 * @throws DataRefError as `fromFiles` does; NO_FINGERPRINT for an iterable without one
 */
async function fromRecords(records: RecordsBySplit, options: FromRecordsOptions): Promise<TokenDataset> {
  const { common, rest } = checkOptions('fromRecords', options, ['fingerprint']);
  const columns = common.settings.mappingColumnName;
  return encoded(common, async () => openRecordSource(records, { ...rest, columns }));
}

/**
 * A cache that was made before, with no need of the text it was made of.
 * @param directory the cache's own folder, or one that holds a single cache
 * @throws DataRefError NOT_FOUND where there is none; INVALID_ARGUMENT where there are several; CORRUPT, UNSUPPORTED
 */
async function fromCache(directory: string | URL, options: FromCacheOptions = {}): Promise<TokenDataset> {
  const { tokenizer, useSharedMemory, memoryLimitBytes, signal, ...unknown } = ioOptionsOf('fromCache', options);
  refuseUnknown('fromCache', unknown, ['tokenizer', 'useSharedMemory', 'memoryLimitBytes', 'signal']);
  const memory = checkMemory('fromCache', { useSharedMemory, memoryLimitBytes });
  const cache = await findCache(directoryOf('fromCache', directory), signal);
  return new TokenDataset(
    cache,
    memory,
    tokenizer === undefined ? undefined : checkTokenizer('fromCache: tokenizer', tokenizer),
  );
}

/**
 * Makes token datasets: text is encoded once, in parallel, into token files, and read at any sequence length.
 * @see `FastHfDatasetProvider` of Archai
 */
export const TokenDatasetProvider = { fromHub, fromFiles, fromRecords, fromCache } as const;

/** The dataset of a source, encoded unless there is a cache of it. */
async function encoded(
  { tokenizer: option, settings, workers, directory, memory, hub: place, signal, onProgress }: CheckedOptions,
  openSource: (hub: Hub) => Promise<TextSource>,
): Promise<TokenDataset> {
  signal?.throwIfAborted();
  const hub = openHub({ ...place, directory: join(directory, DOWNLOADS), onProgress });
  const tokenizer = await openTokenizer(option, (name) => tokenizerOfHub(hub, name, signal));
  const source = await openSource(hub);
  try {
    const cache = await buildCache({ directory, source, tokenizer, settings, workers, signal, onProgress });
    return new TokenDataset(cache, memory, tokenizer.tokenizer);
  } finally {
    await source.close?.();
  }
}
