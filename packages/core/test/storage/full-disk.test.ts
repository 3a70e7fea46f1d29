import { describe, expect, jest, test } from '@jest/globals';
import { DataRefError, fromColumns, ndarray } from '@dataref/core';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { scale } from '../scale.js';
import { listing, tempFolder } from '../temp-folder.js';
import { withRoom } from './store-with-room.js';
import { changed, storageOver } from './stored.js';

jest.setTimeout(600_000);

const old = fromColumns({ image: ndarray(new Uint8Array(40), [2, 20]), text: ['old', 'older'] });
const young = fromColumns({ image: ndarray(new Uint8Array(60).fill(7), [3, 20]), text: ['a', 'b', 'c'] });

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

describe('a disk that is full after N bytes', () => {
  test.each([
    ['memory', scale < 1 ? 3 : 1, () => ({ store: new MemoryStore() as ObjectStore, folder: undefined })],
    [
      'disk',
      Math.ceil(17 / scale),
      () => {
        const folder = tempFolder();
        return { store: new FileStore(folder), folder };
      },
    ],
  ])(
    'at every N the old dataset is whole, nothing of the new one is visible, and a vacuum leaves no leftovers: %s',
    async (_, step, open) => {
      const { store, folder } = open();
      const storage = storageOver(store);
      await storage.submit(old, 'x', '1');
      await storage.vacuum({ graceMs: 0 });
      const before = await keysOf(store);
      const filesBefore = folder === undefined ? [] : listing(folder);
      const all = withRoom(new MemoryStore(), Infinity);
      await storageOver(all).submit(young, 'x', '1');
      expect(all.usedBytes).toBeGreaterThan(1500);
      // The manifest's checksum has some digits more or less, from time to time.
      const leastBytes = all.usedBytes - 8;
      for (let roomBytes = 0; roomBytes < leastBytes; roomBytes += step) {
        const full = storageOver(withRoom(store, roomBytes));
        await expect(full.submit(young, 'x', '1')).rejects.toMatchObject({ code: 'DISK_FULL' });
        expect(await keysOf(store)).toEqual(before);
        expect((await storage.fetch('x', '1')).fingerprint).toBe(old.fingerprint);
        if (roomBytes % 50 < step) expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
        if (folder !== undefined) {
          await storage.vacuum({ graceMs: 0 });
          expect(listing(folder)).toEqual(filesBefore);
        }
      }
      await storageOver(withRoom(store, all.usedBytes + 8)).submit(young, 'x', '1');
      expect((await storage.fetch('x', '1')).fingerprint).toBe(young.fingerprint);
    },
  );

  test('and can then not even delete: the leftovers are those of a writer that ended, and go with the next vacuum', async () => {
    const inner = new MemoryStore();
    const storage = storageOver(inner);
    await storage.submit(old, 'x', '1');
    const before = await keysOf(inner);
    const broken = changed(withRoom(inner, 1200), {
      async delete() {
        throw new DataRefError('STORE_FAILED', 'read only');
      },
    });
    await expect(storageOver(broken).submit(young, 'x', '1')).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await keysOf(inner)).not.toEqual(before);
    expect((await storage.fetch('x', '1')).fingerprint).toBe(old.fingerprint);
    const later = storageOver(inner, { isRunning: () => false });
    await later.vacuum();
    expect(await keysOf(inner)).toEqual(before);
  });
});
