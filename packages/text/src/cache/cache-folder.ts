import { promises as fs } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DataRefError } from '@dataref/core';
import { storeOf } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import { encodeNpyHeader } from '../npy/header.js';
import { syncFolder } from '../sync-folder.js';
import { SPLITS, type SplitName } from '../splits/split-plan.js';
import { CONFIG_FILE, CONFIG_LIMIT_BYTES, parseConfig, type CacheConfig } from './config.js';

/** A cache that is whole. */
export interface OpenCache {
  /** Its folder, an absolute path. */
  readonly path: string;
  readonly config: CacheConfig;
}

/** The folder beside the caches in which they are worked at. */
export const BUILDING = '.building';

export const tokenFile = (path: string, split: SplitName): string => join(path, `${split}.npy`);
export const documentsFile = (path: string, split: SplitName): string => join(path, `${split}.documents.npy`);

/**
 * A folder as a cache; undefined where there is none.
 * @throws DataRefError CORRUPT, also where a file has another size than it should; UNSUPPORTED, STORE_FAILED
 */
export async function readCache(path: string, signal: AbortSignal | undefined): Promise<OpenCache | undefined> {
  const object = await storeOf('a token cache', new FileStorage(path)).get(CONFIG_FILE, CONFIG_LIMIT_BYTES, { signal });
  if (object === undefined) return undefined;
  const config = parseConfig(object.bytes, join(path, CONFIG_FILE));
  await checkSizes(path, config);
  return { path: resolve(path), config };
}

/**
 * The cache that a folder is, or the one that it holds.
 * @throws DataRefError NOT_FOUND where there is none; INVALID_ARGUMENT where there are several; and as `readCache`
 */
export async function findCache(directory: string, signal: AbortSignal | undefined): Promise<OpenCache> {
  const own = await readCache(directory, signal);
  if (own !== undefined) return own;
  const found: OpenCache[] = [];
  for (const name of await storeOf('a token cache', new FileStorage(directory)).listFolders('', { signal })) {
    const cache = name.startsWith('.') ? undefined : await readCache(join(directory, name), signal);
    if (cache !== undefined) found.push(cache);
  }
  const [cache, ...others] = found;
  if (cache === undefined)
    throw new DataRefError(
      'NOT_FOUND',
      `${resolve(directory)}: there is no token cache here (a folder with a ${CONFIG_FILE}), and none in a folder of it; fromHub, fromFiles and fromRecords make one`,
    );
  if (others.length === 0) return cache;
  const lines = found.map(({ path, config }) => `\n  ${path} (${describe(config)})`);
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${resolve(directory)}: there are ${found.length} token caches here; give the folder of one:${lines.join('')}`,
    { details: { caches: found.map(({ path }) => path) } },
  );
}

/** Moves a folder that is whole to where nothing is yet. Where another was sooner, that one stays. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await fs.rename(from, to);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (
      await fs.access(join(to, CONFIG_FILE)).then(
        () => true,
        () => false,
      )
    )
      return;
    throw new DataRefError(
      'STORE_FAILED',
      `${to}: the finished cache could not be moved here from ${from}: ${message}`,
      {
        cause,
        details: { errno: code },
      },
    );
  }
  await syncFolder(dirname(to));
}

/** Files that were cut short, or are of another cache, are found before they are read. */
async function checkSizes(path: string, config: CacheConfig): Promise<void> {
  for (const split of SPLITS) {
    const { tokens, documents } = config.splits[split];
    await checkSize(tokenFile(path, split), tokens, config.dtype === 'uint16' ? 2 : 4);
    await checkSize(documentsFile(path, split), documents, 8);
  }
}

async function checkSize(path: string, length: number, elementBytes: number): Promise<void> {
  const expected = encodeNpyHeader('int64', length).length + length * elementBytes;
  const size = await fs.stat(path).then(
    (stat) => stat.size,
    () => undefined,
  );
  if (size === expected) return;
  const problem = size === undefined ? 'is missing' : `has ${size} bytes, the config says ${expected}`;
  throw new DataRefError('CORRUPT', `${path}: ${problem}; remove the cache's folder and encode again`);
}

function describe({ tokenizer, settings, origin }: CacheConfig): string {
  const { mappingColumnName, validationSplit, splitShuffle, splitSeed, useEosToken } = settings;
  const { dataset, kind } = origin;
  const shuffled = splitShuffle ? `shuffled by ${splitSeed}` : 'not shuffled';
  return `${[dataset, kind].find((name) => typeof name === 'string') ?? 'data'}, ${mappingColumnName.join(' + ')}, ${tokenizer.name}${useEosToken ? ' with EOS' : ''}, validation ${validationSplit}, ${shuffled}`;
}
