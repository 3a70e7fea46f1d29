import { refuseUnknown } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { withCoalescing } from '../store/coalesce.js';
import type { ObjectStore } from '../store/object-store.js';
import { withRetry } from '../store/retry.js';
import { memoryBudget } from './memory-budget.js';
import type { CacheOptions, ReadMode, Runtime } from './runtime.js';
import type { StorageParts } from './storage-parts.js';

/** What the storages that are far away have in common. */
export interface RemoteOptions {
  /** Keeps copies of parts on the local disk, shared by all processes that name the same directory. Default: none. */
  readonly cache?: CacheOptions | undefined;
  /**
   * How parts are read. `'ranges'`: the bytes of the records that are asked for; nothing is cached, nor loaded into memory
   * as a whole. `'parts'`: whole parts into the cache, before anything of them is read. `'auto'`: ranges at once, while
   * parts are downloaded in the order in which they will be needed; needs a cache as well. Default: `'auto'` with a cache;
   * without one ranges too, and a dataset that `memoryLimitBytes` has room for is loaded into memory while it is streamed.
   */
  readonly read?: ReadMode | undefined;
  /**
   * Memory for datasets that are held whole while they are streamed, over all datasets of this storage, in bytes. Default:
   * a quarter of the machine's memory, at most 2 GiB, and only for records of up to 16 KiB. 0 holds none: everything is
   * read by position, but for up to 16 MiB of a dataset's small values and offsets, or a quarter of this limit. A dataset
   * that has more of these is read with those of whole parts at a time, which have one checksum: best with
   * `shuffleAlgorithm: 'parts'`, or a cache.
   */
  readonly memoryLimitBytes?: number | undefined;
}

const READ_MODES: readonly unknown[] = ['ranges', 'parts', 'auto'];

/**
 * The parts of a storage over a store that is far away: what fails is tried again, ranges are joined, parts are cached,
 * and every record's checksum is compared, since nobody knows what lies between.
 * @param placeOptions names of the options that say where the store is, for messages
 * @throws DataRefError INVALID_ARGUMENT; UNSUPPORTED for a cache where there is no disk
 */
export function remoteParts(
  what: string,
  store: ObjectStore,
  options: RemoteOptions,
  runtime: Runtime,
  placeOptions: readonly string[] = [],
): StorageParts {
  const { cache, read = cache === undefined ? 'ranges' : 'auto', memoryLimitBytes, ...unknown } = options;
  refuseUnknown(what, unknown, [...placeOptions, 'cache', 'read', 'memoryLimitBytes']);
  checkCache(what, cache);
  if (!READ_MODES.includes(read))
    throw invalidArgument(`${what}: read must be 'ranges', 'parts' or 'auto', got ${JSON.stringify(read)}`);
  if (cache === undefined && read !== 'ranges')
    throw invalidArgument(`${what}: read: '${read}' needs a cache: { directory, limitBytes }`);
  const near = withCoalescing(withRetry(store));
  return {
    store: cache === undefined ? near : cached(what, near, { ...cache, read }, runtime),
    identity: runtime.identity,
    ...memoryBudget(what, memoryLimitBytes, runtime.memoryBytes),
    verifyReads: true,
    read: options.read, // where it was not said, what fits the memory may be loaded
    nonce: runtime.nonce,
  };
}

/** @throws DataRefError INVALID_ARGUMENT */
function checkCache(what: string, cache: unknown): void {
  if (cache === undefined) return;
  if (typeof cache !== 'object' || cache === null)
    throw invalidArgument(`${what}: cache needs { directory, limitBytes }, got ${JSON.stringify(cache)}`);
  const { directory: _, limitBytes: __, ...unknown } = cache as Record<string, unknown>;
  refuseUnknown(`${what}: cache`, unknown, ['directory', 'limitBytes']);
}

function cached(
  what: string,
  store: ObjectStore,
  options: CacheOptions & { readonly read: ReadMode },
  { withCache }: Runtime,
): ObjectStore {
  if (withCache !== undefined) return withCache(store, options);
  throw new DataRefError('UNSUPPORTED', `${what}: a cache needs a disk, which there is none here: leave it out`);
}
