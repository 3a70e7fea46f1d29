import { expect, test } from '@jest/globals';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openCatalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { scale } from '../../core/test/scale.js';

/** Between the requests at which a process dies. */
const STEP = scale < 1 ? 5 : 1;

async function keysOf(store: MemoryStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

/** A store that fails from a request on, as a process that was killed. */
function dying(store: MemoryStore, last: number): MemoryStore {
  let requests = 0;
  return new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name] as unknown;
      if (typeof method !== 'function') return method;
      if (name !== 'put' && name !== 'delete' && name !== 'create') return method.bind(target) as unknown;
      return async (...args: never[]) => {
        if (requests++ >= last) throw new Error('killed');
        return (await method.apply(target, args)) as unknown;
      };
    },
  });
}

test('a save, an append, a delete that ends at any request leaves a whole catalog, and vacuum nothing of what it left', async () => {
  const records = Array.from({ length: 6 }, (_, i) => ({ label: i % 2, i }));
  for (let last = 0; ; last += STEP) {
    let isWhole = false;
    const store = new MemoryStore();
    const storage = new ObjectStorage(store);
    const catalog = openCatalog(storage);
    await catalog.save('t', records, { partitionBy: ['label'] });
    await catalog.saveBlob('b', Uint8Array.of(1));
    const other = openCatalog(new ObjectStorage(dying(store, last)));
    const work = async (): Promise<void> => {
      await other.append('t', records);
      await other.save('t', records.values(), { partitionBy: ['label'] });
      await other.saveBlob('b', Uint8Array.of(2));
      await other.delete('t@1');
      await other.delete('b');
    };
    await work().then(
      () => (isWhole = true),
      (error: unknown) => expect(String(error)).toContain('killed'),
    );
    const before = await catalog.history('t');
    for (const { version, kind } of before) {
      const table = await catalog.load(`t@${version}`);
      expect([kind, table.length]).toEqual(['table', version === 2 ? 12 : 6]);
      expect((await table.read(Array.from({ length: table.length }, (_, i) => i))).records().length).toBe(table.length);
    }
    await catalog.vacuum({ graceMs: 0 });
    await storage.vacuum({ graceMs: 0 });
    expect(await catalog.history('t')).toEqual(before);
    for (const { version } of before) await (await catalog.load(`t@${version}`)).at(0);
    if (await catalog.has('b')) expect((await catalog.loadBlob('b')).length).toBe(1);
    await catalog.delete('t');
    await catalog.delete('b');
    await catalog.vacuum({ graceMs: 0 });
    await storage.vacuum({ graceMs: 0 });
    // But for generations whose writer, this process, lives: Storage.vacuum leaves them to it.
    const keys = await keysOf(store);
    const isWritten = (key: string): boolean => keys.includes(key.replace(/[^/]+$/u, 'writer.json'));
    expect(keys.filter((key) => !isWritten(key))).toEqual([]);
    if (isWhole) return;
  }
}, 600_000);

test('vacuum removes what is nobody’s though it is damaged', async () => {
  const store = new MemoryStore();
  const storage = new ObjectStorage(store);
  await storage.submit([{ a: 1 }], 'catalog:orphan', '0');
  await store.put('catalog%3Aorphan/0/dataset.json', Uint8Array.of(1));
  await openCatalog(storage).vacuum({ graceMs: 0 });
  expect((await keysOf(store)).filter((key) => key.endsWith('dataset.json'))).toEqual([]);
});

test('vacuum spares what is young, and removes nothing where a record cannot be read', async () => {
  const store = new MemoryStore();
  const storage = new ObjectStorage(store);
  const catalog = openCatalog(storage);
  await catalog.save('t', [{ a: 1 }]);
  await storage.submit([{ a: 1 }], 'catalog:orphan', '0');
  await store.put('catalog%/b/0123456789abcdef.blob', Uint8Array.of(1));
  const before = await keysOf(store);
  expect(await catalog.vacuum()).toEqual({ bytesFreed: 0 });
  await store.put('catalog%/damaged/record.json', Uint8Array.of(1));
  await expect(catalog.vacuum({ graceMs: 0 })).rejects.toThrow(failure('CORRUPT', /catalog%\/damaged\/record.json/u));
  await store.delete('catalog%/damaged/record.json');
  expect(await keysOf(store)).toEqual(before);
  expect((await catalog.vacuum({ graceMs: 0 })).bytesFreed).toBeGreaterThan(1);
  expect((await keysOf(store)).filter((key) => key.includes('orphan') || key.endsWith('.blob'))).toEqual([]);
  expect(await catalog.has('t')).toBe(true);
});
