import { countOf, refuseUnknown } from '../arguments.js';
import { CoalescingReader } from './coalescing-reader.js';
import type { ObjectStore } from './object-store.js';
import { slots } from './slots.js';

export interface CoalesceOptions {
  /** Ranges with at most so many bytes between them are read as one. Default: 4 KiB. */
  readonly gapBytes?: number | undefined;
  /** Ranges are joined up to so many bytes, and longer ones are split. Default: 8 MiB. */
  readonly maxBytes?: number | undefined;
  /** Reads under way at once, over all objects of this store. Default: 16. */
  readonly parallelReads?: number | undefined;
}

/**
 * A store that reads in few requests what is asked for in many: the ranges of one reader that are asked for in the same
 * turn of the event loop, by whatever callers, are sorted, joined where little lies between them, read in parallel and
 * handed out. No byte is read twice for them. A failure is told to those whose ranges it touched, and an abort ends the
 * read of nobody else. `readSync` is passed on as it is: a local disk gains nothing.
 * @throws DataRefError INVALID_ARGUMENT for an unknown option or one out of its range
 */
export function withCoalescing(store: ObjectStore, options: CoalesceOptions = {}): ObjectStore {
  const { gapBytes = 4 * 1024, maxBytes = 8 * 2 ** 20, parallelReads = 16, ...unknown } = options;
  refuseUnknown('withCoalescing', unknown, ['gapBytes', 'maxBytes', 'parallelReads']);
  const limits = {
    gapBytes: countOf('withCoalescing: gapBytes', gapBytes, 0),
    maxBytes: countOf('withCoalescing: maxBytes', maxBytes, 1),
  };
  const slot = slots(countOf('withCoalescing: parallelReads', parallelReads, 1));
  return {
    description: store.description,
    head: (key, io) => store.head(key, io),
    get: (key, limitBytes, io) => store.get(key, limitBytes, io),
    async open(key, io) {
      const reader = await store.open(key, io);
      return reader && new CoalescingReader(reader, key, limits, slot);
    },
    put: (key, bytes, io) => store.put(key, bytes, io),
    create: (key, io) => store.create(key, io),
    list: (prefix, io) => store.list(prefix, io),
    listFolders: (prefix, io) => store.listFolders(prefix, io),
    delete: (key, io) => store.delete(key, io),
    ...(store.follow && { follow: store.follow.bind(store) }),
    ...(store.recipe && { recipe: store.recipe.bind(store) }),
    sweep: (io) => store.sweep(io),
  };
}
