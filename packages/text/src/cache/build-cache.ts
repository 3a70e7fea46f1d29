import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataRefError, type Progress } from '@dataref/core';
import { builtOnce, partsOf, reporter, waitingFor, withLastReport } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import type { ObjectStore } from '@dataref/core/store';
import { Encoder } from '../encode/encoder.js';
import type { TextSource } from '../source/text-source.js';
import { neededSplits, planSplits, SPLITS, type SplitName } from '../splits/split-plan.js';
import type { OpenedTokenizer } from '../tokenizer/tokenizer.js';
import { BUILDING, moveIntoPlace, readCache, type OpenCache } from './cache-folder.js';
import { CONFIG_FILE, encodeConfig, type CacheConfig } from './config.js';
import { EncodedSplit } from './encoded-split.js';
import { encodeSplit } from './encode-split.js';
import { cacheFingerprint, eosIdOf, tokenDTypeOf, type CacheSettings } from './settings.js';
import { splitFileBytes, writeSplitFiles, type SplitFiles } from './split-files.js';
import { tokenizerFiles } from './tokenizer-file.js';

/** What a cache is built with. */
export interface CacheBuild {
  /** The folder of the caches. */
  readonly directory: string;
  readonly source: TextSource;
  readonly tokenizer: OpenedTokenizer;
  readonly settings: CacheSettings;
  /** Threads that encode. */
  readonly workers: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * The cache of a source, a tokenizer and settings: the one that is there, else it is built, once over all processes that
 * share the folder, and going on after what a killed one left.
 * @returns its folder, which comes to be at once, whole, and what it holds
 */
export async function buildCache(build: CacheBuild): Promise<OpenCache> {
  const { directory, source, tokenizer, settings, signal, onProgress } = build;
  // What cannot be encoded is told before anything is read or written.
  tokenDTypeOf(tokenizer.tokenizer.vocabSize);
  eosIdOf(tokenizer, settings.useEosToken);
  neededSplits(source.splits.map(({ name }) => name));
  const fingerprint = cacheFingerprint(source, tokenizer, settings);
  const name = fingerprint.replace('sha256:', '');
  const path = join(directory, name);
  const work = partsOf('a token cache', new FileStorage(join(directory, BUILDING)));
  const workFolder = `${name}/`;
  const look = () => readCache(path, signal);
  const cache =
    (await look()) ??
    (await withLastReport(onProgress, async (tell) => {
      const startMs = performance.now();
      return builtOnce(work, `${workFolder}lease.json`, {
        look,
        build: async (lease) => {
          await work.store.sweep({ signal }); // half-written files of those that were killed
          let isLost = false;
          const check = async (): Promise<void> => {
            isLost = !(await lease.isHeld({ signal }));
            if (isLost) throw new DataRefError('STORE_FAILED', `${path} is built by another`);
          };
          try {
            const place = { fingerprint, store: work.store, workFolder, check };
            await encodeCache({ ...build, onProgress: tell }, place);
          } catch (error) {
            if (isLost) return undefined;
            throw error;
          }
          await moveIntoPlace(join(directory, BUILDING, workFolder, CACHE), path);
          return look();
        },
        onWait: (holder) => tell?.(waitingFor(holder, startMs)),
        signal,
      });
    }));
  await removeWork(directory, name, work.store);
  return cache;
}

interface Place {
  readonly fingerprint: string;
  /** Where parts are written, and the files of the cache. */
  readonly store: ObjectStore;
  readonly workFolder: string;
  readonly check: () => Promise<void>;
}

/** Writes a whole cache to where it is worked at. */
async function encodeCache(build: CacheBuild, place: Place): Promise<void> {
  const { source, tokenizer, settings, signal, onProgress } = build;
  const { fingerprint, store, workFolder, check } = place;
  const folder = `${workFolder}${CACHE}/`;
  const name = tokenizer.recipe?.name ?? 'object';
  const { vocabSize, eosId = null } = tokenizer.tokenizer;
  const dtype = tokenDTypeOf(vocabSize);
  const encoded = await encodeAll(build, place);

  const rowCounts = new Map(Array.from(encoded, ([split, { rowCount }]) => [split, rowCount]));
  const plan = planSplits(rowCounts, settings);
  const rowsOf = (split: SplitName) => [encoded.get(plan[split].source) as EncodedSplit, plan[split].rows] as const;
  const totalBytes = SPLITS.reduce((sum, split) => sum + splitFileBytes(...rowsOf(split), dtype), 0);
  const report = reporter(onProgress, 'write', totalBytes, 'bytes');
  let doneBytes = 0;
  const splits = {} as Record<SplitName, SplitFiles>;
  for (const split of SPLITS) {
    await check();
    splits[split] = await writeSplitFiles(...rowsOf(split), {
      store,
      keys: [`${folder}${split}.npy`, `${folder}${split}.documents.npy`],
      dtype,
      onBytes: (bytes) => report((doneBytes += bytes)),
      signal,
    });
  }
  for (const [file, text] of tokenizerFiles(tokenizer))
    await store.put(`${folder}${file}`, new TextEncoder().encode(text), { signal });
  const config: CacheConfig = {
    fingerprint,
    dtype,
    tokenizer: { name, fingerprint: tokenizer.fingerprint, vocabSize, eosId },
    settings,
    origin: source.origin,
    splits,
  };
  await check();
  await store.put(`${folder}${CONFIG_FILE}`, encodeConfig(config), { signal });
  await check();
}

/** The finished files, below what is worked at. */
const CACHE = 'cache';

/** Every split that is needed, encoded. */
async function encodeAll(
  { source, tokenizer, settings, workers, signal, onProgress }: CacheBuild,
  { store, workFolder, check }: Place,
): Promise<ReadonlyMap<string, EncodedSplit>> {
  const dtype = tokenDTypeOf(tokenizer.tokenizer.vocabSize);
  const encoder = new Encoder(tokenizer, { dtype, eosId: eosIdOf(tokenizer, settings.useEosToken) }, workers);
  const names = neededSplits(source.splits.map(({ name }) => name));
  const splits = source.splits.filter(({ name }) => names.includes(name));
  const counts = splits.map(({ rowCount }) => rowCount ?? NaN);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const report = reporter(onProgress, 'encode', Number.isNaN(total) ? undefined : total, 'records');
  let done = 0;
  const encoded = new Map<string, EncodedSplit>();
  try {
    for (const split of splits) {
      const parts = await encodeSplit(split, {
        store,
        folder: `${workFolder}parts/`,
        encoder,
        tokenBytes: dtype === 'uint16' ? 2 : 4,
        onRows: (rows) => report((done += rows)),
        check,
        signal,
      });
      encoded.set(split.name, new EncodedSplit(parts));
    }
  } finally {
    await encoder.close();
  }
  return encoded;
}

/** Nobody needs what a cache was made of once it is whole; what cannot be removed, as in a folder that is read only, does no harm. */
async function removeWork(directory: string, name: string, store: ObjectStore): Promise<void> {
  const building = join(directory, BUILDING);
  if (!existsSync(building)) return;
  try {
    await rm(join(building, name), { recursive: true, force: true });
    await store.sweep();
    await rmdir(building);
  } catch {
    // other caches may be worked at there
  }
}
