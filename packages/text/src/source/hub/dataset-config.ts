import { DataRefError } from '@dataref/core';
import { didYouMean } from '@dataref/core/adapter';

/** One configuration that the head of a dataset's README lists: where the files of its splits are. */
export interface DatasetConfig {
  readonly name: string;
  readonly isDefault: boolean;
  readonly dataDir: string | undefined;
  /** Patterns by split; undefined where names tell the splits. */
  readonly dataFiles: ReadonlyMap<string, readonly string[]> | undefined;
}

/**
 * The configurations of a dataset's card, [] where it has none.
 * @see https://huggingface.co/docs/hub/datasets-manual-configuration
 */
export function configsOf(card: unknown): readonly DatasetConfig[] {
  const { configs } = Object(card) as { readonly configs?: unknown };
  if (!Array.isArray(configs)) return [];
  return configs.flatMap((entry: unknown) => {
    const config = Object(entry) as Readonly<Record<string, unknown>>;
    const { config_name: name, data_dir: dataDir, data_files: dataFiles } = config;
    if (typeof name !== 'string') return [];
    return {
      name,
      isDefault: config['default'] === true || name === 'default',
      dataDir: typeof dataDir === 'string' ? dataDir : undefined,
      dataFiles: dataFiles === undefined ? undefined : patternsBySplit(dataFiles),
    };
  });
}

function patternsBySplit(dataFiles: unknown): ReadonlyMap<string, readonly string[]> {
  if (typeof dataFiles === 'string') return new Map([['train', [dataFiles]]]);
  const splits = new Map<string, readonly string[]>();
  for (const entry of Array.isArray(dataFiles) ? (dataFiles as unknown[]) : []) {
    const { split = 'train', path } = Object(entry) as { readonly split?: unknown; readonly path?: unknown };
    const patterns = [typeof entry === 'string' ? entry : path].flat().filter((item) => typeof item === 'string');
    if (typeof split === 'string') splits.set(split, [...(splits.get(split) ?? []), ...patterns]);
  }
  return splits;
}

/** The configuration of a name; without one, the only one or the default. @throws DataRefError NOT_FOUND, INVALID_ARGUMENT listing those that there are */
export function chooseConfig<T extends { readonly name: string; readonly isDefault: boolean }>(
  dataset: string,
  configs: readonly T[],
  wanted: string | undefined,
): T {
  const names = configs.map(({ name }) => name);
  const only = configs.length === 1 ? configs[0] : configs.find(({ isDefault }) => isDefault);
  const chosen = wanted === undefined ? only : configs.find(({ name }) => name === wanted);
  if (chosen !== undefined) return chosen;
  const listed = names.length > 30 ? `${names.slice(0, 30).join(', ')}, …` : names.join(', ');
  if (wanted === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `dataset ${JSON.stringify(dataset)} has several configurations; give datasetConfigName, one of ${listed}`,
      {
        details: { configs: names },
      },
    );
  throw new DataRefError(
    'NOT_FOUND',
    `dataset ${JSON.stringify(dataset)} has no configuration ${JSON.stringify(wanted)}${didYouMean(wanted, names)}; there are ${listed}`,
    { details: { configs: names } },
  );
}
