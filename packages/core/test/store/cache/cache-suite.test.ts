import { describe, expect, jest, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { storeSuite } from '@dataref/core/testing';
import { FileStore } from '../../../dist/store/file-store.js';
import { MemoryStore } from '../../../dist/store/memory-store.js';
import type { IoOptions, ObjectStore } from '../../../dist/store/object-store.js';
import { tempFolder } from '../../temp-folder.js';
import { copiesIn, makeCache } from './made-caches.js';

jest.setTimeout(600_000); // much is written, and the machine may be busy

/** A store whose readers are opened with all that is known of the object, so that a cache keeps it. */
function knowing(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      if (name !== 'open') {
        const value = target[name as keyof ObjectStore] as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (key: string, options?: IoOptions) => {
        const stored = await target.get(key, 2 ** 20);
        if (stored === undefined) return target.open(key, options);
        return target.open(key, { ...options, byteLength: stored.bytes.length, crc32: crc32(stored.bytes) });
      };
    },
  });
}

describe.each([
  ['memory', () => new MemoryStore()],
  ['a folder', () => new FileStore(tempFolder())],
])('a cache over %s keeps the promises of a store', (_, makeStore) => {
  describe.each(['ranges', 'parts', 'auto'] as const)('read: %s', (read) => {
    const open = () => {
      const directory = tempFolder();
      const cache = makeCache(makeStore(), { directory, limitBytes: 2 ** 20, read });
      return { cache, directory };
    };
    for (const { name, run } of storeSuite(() => ({ store: open().cache }))) test(name, run);
    for (const { name, run } of storeSuite(() => ({ store: knowing(open().cache) })))
      test(`${name}, of objects that are cached`, run);
    test('and nothing but that: the checks did cache', async () => {
      const { cache, directory } = open();
      await cache.put('k', new Uint8Array(100).fill(7));
      const reader = await knowing(cache).open('k');
      await reader?.read(new Uint8Array(1), 0);
      await cache.settled();
      expect(copiesIn(directory)).toHaveLength(read === 'ranges' ? 0 : 1);
      await reader?.close();
    });
  });
});
