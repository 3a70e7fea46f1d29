import { DataRefError } from '@dataref/core';
import type { ObjectReader, ObjectStore, ObjectWriter } from '@dataref/core/store';
import { readEach } from '../../dist/store/read-each.js';

/** A failure that may pass, as stores report it. */
export function transient(details: object = {}, code: 'STORE_FAILED' | 'TIMEOUT' = 'STORE_FAILED'): DataRefError {
  return new DataRefError(code, 'k: the connection was lost', { details: { key: 'k', isTransient: true, ...details } });
}

/**
 * A store behind a bad network: an operation fails before it took effect, or after it did, or a read ends in the midst of
 * it. `random` decides, and everything repeats with it.
 */
export function flaky(store: ObjectStore, random: () => number, chance: number): ObjectStore {
  const fails = (): boolean => random() < chance;
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    if (fails()) throw transient();
    const result = await work();
    if (fails()) throw transient({}, 'TIMEOUT');
    return result;
  };
  return {
    description: store.description,
    head: (key, options) => attempt(() => store.head(key, options)),
    get: (key, limitBytes, options) => attempt(() => store.get(key, limitBytes, options)),
    async open(key, options) {
      const reader = await attempt(() => store.open(key, options));
      return reader && flakyReader(reader, random, fails);
    },
    put: (key, bytes, options) => attempt(() => store.put(key, bytes, options)),
    create: async (key, options) => flakyWriter(await attempt(() => store.create(key, options)), attempt, fails),
    async *list(prefix, options) {
      // In pages of five: a failure costs the page.
      let count = 0;
      for await (const info of store.list(prefix, options)) {
        if (count++ % 5 === 0 && fails()) throw transient();
        yield info;
      }
      if (fails()) throw transient();
    },
    listFolders: (prefix, options) => attempt(() => store.listFolders(prefix, options)),
    async delete(key, options) {
      // A failure that was met by nothing to be deleted could not be told from one that hid a success.
      const isThere = (await store.head(key)) !== undefined;
      return isThere ? attempt(() => store.delete(key, options)) : store.delete(key, options);
    },
    sweep: (options) => attempt(() => store.sweep(options)),
  };
}

function flakyReader(reader: ObjectReader, random: () => number, fails: () => boolean): ObjectReader {
  const read: ObjectReader['read'] = async (into, position, options) => {
    if (fails()) {
      const filledBytes = Math.floor(random() * (into.length + 1));
      await reader.read(into.subarray(0, filledBytes), position, options);
      into.fill(255, filledBytes); // what came last is not to be trusted
      throw transient({ filledBytes });
    }
    await reader.read(into, position, options);
  };
  return {
    byteLength: reader.byteLength,
    read,
    readRanges: (ranges, options) => readEach(read, ranges, options),
    close: () => reader.close(),
  };
}

function flakyWriter(
  writer: ObjectWriter,
  attempt: (work: () => Promise<void>) => Promise<void>,
  fails: () => boolean,
): ObjectWriter {
  let isCommitted = false;
  return {
    async write(bytes) {
      if (fails()) throw transient();
      await writer.write(bytes);
    },
    commit: () =>
      attempt(async () => {
        // As with an upload of several pieces: once it is complete, there is no such upload any more.
        if (isCommitted) throw new DataRefError('STORE_FAILED', 'k: no such upload');
        await writer.commit();
        isCommitted = true;
      }),
    abort: () => attempt(() => writer.abort()),
  };
}
