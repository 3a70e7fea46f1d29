import { DataRefError } from '@dataref/core';
import { formatOfName, type FileFormat } from '../files/file-format.js';
import { patternsOf, type DataFiles } from '../files/find-files.js';
import { splitsByName } from '../split-names.js';
import { chooseConfig, configsOf } from './dataset-config.js';
import { globPattern } from './glob-pattern.js';

/** What of a dataset's repository is wanted. */
export interface DatasetFilesOptions {
  readonly dataset: string;
  readonly configName: string | undefined;
  readonly dataDir: string | undefined;
  readonly dataFiles: DataFiles | undefined;
  readonly format: FileFormat | undefined;
}

type Splits = ReadonlyMap<string, readonly string[]>;

/** Files of text that hold no data. */
const NO_DATA =
  /^(?:.*\/)?(?:\.[^/]*|readme(?:\.\w+)?|license(?:\.\w+)?|config\.json|dataset_infos?\.json|dataset_dict\.json|tokenizer\w*\.json)$/iu;

/**
 * Paths by split of a dataset's repository: of `dataFiles`; else of a configuration that its card lists; else told by
 * their names. Undefined where the repository itself holds no such files: it was written as a script.
 * @param paths of the repository @param card the head of its README
 * @throws DataRefError NOT_FOUND, INVALID_ARGUMENT
 */
export function datasetFiles(
  paths: readonly string[],
  card: unknown,
  options: DatasetFilesOptions,
): Splits | undefined {
  const { dataset, configName, dataDir, dataFiles, format } = options;
  if (dataFiles !== undefined) return matching(dataset, paths, patternsOf(dataFiles), dataDir);
  const configs = dataDir === undefined ? configsOf(card) : [];
  if (configs.length > 0) {
    const config = chooseConfig(dataset, configs, configName);
    if (config.dataFiles !== undefined) return matching(dataset, paths, config.dataFiles, config.dataDir);
    return named(paths, config.dataDir, format);
  }
  const found =
    configName === undefined || configName === 'default' || dataDir !== undefined
      ? named(paths, dataDir, format)
      : undefined;
  if (found === undefined && dataDir !== undefined)
    throw new DataRefError(
      'NOT_FOUND',
      `dataset ${JSON.stringify(dataset)} has no files of text in ${JSON.stringify(dataDir)}`,
    );
  return found;
}

function matching(dataset: string, paths: readonly string[], patterns: Splits, folder = ''): Splits {
  const prefix = folder === '' || folder === '.' ? '' : `${folder.replace(/^\.\/|\/$/gu, '')}/`;
  return new Map(
    Array.from(patterns, ([split, globs]) => {
      const found = globs.flatMap((glob) => {
        const pattern = globPattern(prefix + glob.replace(/^\.\//u, ''));
        return paths.filter(pattern);
      });
      if (found.length === 0)
        throw new DataRefError(
          'NOT_FOUND',
          `dataset ${JSON.stringify(dataset)} has no file like ${globs.map((glob) => JSON.stringify(prefix + glob)).join(', ')}`,
          {
            details: { split, patterns: globs },
          },
        );
      return [split, Array.from(new Set(found))];
    }),
  );
}

/** Splits told by names, of the files of that kind of which there are most. */
function named(
  paths: readonly string[],
  folder: string | undefined,
  format: FileFormat | undefined,
): Splits | undefined {
  const inFolder = folder === undefined ? undefined : globPattern(folder.replace(/\/$/u, ''));
  const byFormat = new Map<string, string[]>();
  for (const path of paths) {
    const kind = format ?? formatOfName(path).format;
    if (kind === undefined || NO_DATA.test(path) || inFolder?.(path) === false) continue;
    put(byFormat, kind, path);
  }
  const [most] = Array.from(byFormat.values()).toSorted((a, b) => b.length - a.length);
  return most === undefined ? undefined : splitsByName(most);
}

function put(lists: Map<string, string[]>, key: string, path: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [path]);
  else list.push(path);
}

/**
 * Paths by split of what the hub itself converted to Parquet: `<configuration>/<split>/0000.parquet`.
 * @throws DataRefError NOT_FOUND, INVALID_ARGUMENT as chooseConfig; UNSUPPORTED where it converted a part only
 */
export function convertedFiles(dataset: string, paths: readonly string[], configName: string | undefined): Splits {
  const configs = new Map<string, Map<string, string[]>>();
  for (const path of paths) {
    const [config, split, file, ...rest] = path.split('/');
    if (config === undefined || split === undefined || file?.endsWith('.parquet') !== true || rest.length > 0) continue;
    const splits = configs.get(config) ?? new Map<string, string[]>();
    put(splits, split, path);
    configs.set(config, splits);
  }
  if (configs.size === 0)
    throw new DataRefError(
      'NOT_FOUND',
      `dataset ${JSON.stringify(dataset)} has no files of text; give dataFiles and format`,
    );
  const entries = Array.from(configs, ([name, splits]) => ({ name, splits, isDefault: name === 'default' }));
  const { name, splits } = chooseConfig(dataset, entries, configName);
  const part = Array.from(splits.keys()).find((split) => split.startsWith('partial-'));
  if (part === undefined) return splits;
  throw new DataRefError(
    'UNSUPPORTED',
    `dataset ${JSON.stringify(dataset)}, ${name}: the hub has Parquet files of a part of it only (${part}); give dataFiles of its own`,
  );
}
