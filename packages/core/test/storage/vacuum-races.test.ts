import { expect, test } from '@jest/globals';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';

let writers = 0;
const storageIn = (store: MemoryStore) =>
  new DatasetStorage({
    store,
    identity: { self: () => null, isRunning: () => true },
    budget: { limitBytes: 0, isExplicit: true, usedBytes: 0 },
    verifyReads: false,
    nonce: () => String(++writers).padStart(16, '0'),
  });

test('vacuum spares a writer that takes its lease while vacuum looks around', async () => {
  const folder = 'a/1/data/ffffffffffffffff/';
  class Racing extends MemoryStore {
    #begun = false;
    /** The writer's folder is there before the lease is. */
    override async listFolders(prefix: string): Promise<readonly string[]> {
      const names = await super.listFolders(prefix);
      return prefix === 'a/1/data/' && !names.includes('ffffffffffffffff') ? [...names, 'ffffffffffffffff'] : names;
    }
    override async get(key: string, limitBytes: number): ReturnType<MemoryStore['get']> {
      const got = await super.get(key, limitBytes);
      if (key === `${folder}writer.json` && !this.#begun) {
        this.#begun = true;
        await this.put(key, new TextEncoder().encode('{"writer":null}'));
        await this.put(`${folder}00000000.arrow`, new Uint8Array(8));
      }
      return got;
    }
  }
  const store = new Racing();
  const storage = storageIn(store);
  await storage.submit([1, 2, 3], 'a', '1');
  await storage.vacuum({ graceMs: 0 });
  expect(await store.head(`${folder}00000000.arrow`)).toBeDefined();
});

test('a submit that commits while delete is at work is there whole', async () => {
  class Racing extends MemoryStore {
    race: (() => Promise<unknown>) | undefined;
    override async delete(key: string): Promise<boolean> {
      const deleted = await super.delete(key);
      const { race } = this;
      this.race = undefined;
      await race?.();
      return deleted;
    }
  }
  const store = new Racing();
  const storage = storageIn(store);
  await storage.submit([1, 2, 3], 'a', '1');
  store.race = () => storageIn(store).submit([4, 5], 'a', '1');
  expect(await storage.delete('a', '1')).toBe(true);
  expect((await storage.verify('a', '1')).problems).toEqual([]);
  expect(await (await storage.fetch('a', '1')).at(1)).toBe(5);
});

test('delete leaves nothing behind', async () => {
  const store = new MemoryStore();
  const storage = storageIn(store);
  await storage.submit([1, 2, 3], 'a', '1');
  await storage.submit([4], 'a', '1');
  expect(await storage.delete('a', '1')).toBe(true);
  const left: string[] = [];
  for await (const { key } of store.list('')) left.push(key);
  expect(left).toEqual([]);
  expect(await storage.delete('a', '1')).toBe(false);
});
