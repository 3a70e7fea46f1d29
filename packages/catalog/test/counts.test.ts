import { expect, jest, test } from '@jest/globals';
import { HttpStorage } from '@dataref/core/http';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openCatalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { serveFolder } from '../../core/test/servers/file-server.js';
import { tempFolder } from '../../core/test/temp-folder.js';
import { recordsOf } from './table-behaviours.js';

const RECORDS = Array.from({ length: 300 }, (_, i) => ({ label: i % 3, i }));

/** A store that tells which objects are asked for. */
function watched(store: MemoryStore, keys: string[]): MemoryStore {
  return new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name] as unknown;
      if (typeof method !== 'function') return method;
      return (...args: never[]) => {
        if (name === 'get' || name === 'open' || name === 'head') keys.push(String(args[0]));
        return method.apply(target, args) as unknown;
      };
    },
  });
}

test('where over a column that a table is partitioned by reads nothing, and its records come from their partition alone', async () => {
  const store = new MemoryStore();
  await openCatalog(new ObjectStorage(store)).save('t', RECORDS, { partitionBy: ['label'] });
  const keys: string[] = [];
  const table = await openCatalog(new ObjectStorage(watched(store, keys))).load('t');
  expect(keys.filter((key) => !key.endsWith('.json'))).toEqual([]);
  keys.length = 0;
  const ones = await table.where(({ label }) => label === 1, { columns: ['label'] });
  expect([ones.length, keys]).toEqual([100, []]);
  expect((await recordsOf(ones, { shuffle: true, shuffleSeed: 3 })).every(({ label }) => label === 1)).toBe(true);
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.filter((key) => !key.includes('label%3D1'))).toEqual([]);
});

test('saving asks for a few objects, and loading for the record and a manifest', async () => {
  const keys: string[] = [];
  const store = new MemoryStore();
  await openCatalog(new ObjectStorage(store)).save('t', RECORDS);
  const catalog = openCatalog(new ObjectStorage(watched(store, keys)));
  await catalog.load('t');
  expect(keys.map((key) => key.split('/').at(-1))).toEqual(['record.json', 'dataset.json']);
  keys.length = 0;
  await catalog.info('t');
  expect(keys.length).toBe(1);
});

test('an append to many costs as much for each piece that there is, not for each of every version', async () => {
  const catalog = openCatalog(new ObjectStorage(new MemoryStore()));
  let table = await catalog.save('log', [{ a: 0 }]);
  for (let i = 1; i < 60; i++) table = await table.append([{ a: i }]);
  const texts = jest.spyOn(JSON, 'stringify');
  await table.append([{ a: 60 }]);
  const { length } = texts.mock.calls;
  texts.mockRestore();
  expect(length).toBeLessThan(60 * 6); // one for each of 60 versions, one for each of 60 pieces; of all versions 1,830
  expect(await recordsOf(await catalog.load('log'))).toEqual(Array.from({ length: 61 }, (_, a) => ({ a })));
});

test('an append by name opens no piece that some table has open, and every other once', async () => {
  const store = new MemoryStore();
  const other = openCatalog(new ObjectStorage(store));
  await other.save('log', [{ a: 0 }]);
  for (let a = 1; a < 8; a++) await other.append('log', [{ a }]);
  const keys: string[] = [];
  const catalog = openCatalog(new ObjectStorage(watched(store, keys)));
  const tables: unknown[] = []; // what nobody has is opened again
  const opens = async (append: () => Promise<unknown>): Promise<number> => {
    keys.length = 0;
    tables.push(await append());
    return keys.filter((key) => key.endsWith('/dataset.json')).length;
  };
  const byName = (a: number) => (): Promise<unknown> => catalog.append('log', [{ a }]);
  expect(await opens(byName(8))).toBe(8 + 1);
  expect(await opens(byName(9))).toBe(1);
  await other.append('log', [{ a: 10 }]);
  expect(await opens(byName(11))).toBe(2);
  const table = await catalog.load('log');
  expect(await opens(() => table.append([{ a: 12 }]))).toBe(1);
  expect(await recordsOf(await catalog.load('log'))).toEqual(Array.from({ length: 13 }, (_, a) => ({ a })));
});

test('a catalog behind a server of files is read, and not written', async () => {
  const folder = tempFolder();
  const local = openCatalog(new FileStorage(folder));
  await local.save('team/t', RECORDS, { partitionBy: ['label'] });
  await local.saveBlob('b', Uint8Array.of(7));
  const server = await serveFolder(folder);
  try {
    const catalog = openCatalog(new HttpStorage(server.url));
    expect((await recordsOf(await catalog.load('team/t'))).length).toBe(300);
    expect([...(await catalog.loadBlob('b'))]).toEqual([7]);
    await expect(catalog.load('other')).rejects.toThrow(failure('NOT_FOUND', /other/u));
    for (const write of [
      catalog.save('x', RECORDS),
      catalog.append('team/t', RECORDS),
      catalog.saveBlob('b', Uint8Array.of(1)),
      catalog.tag('b', ['x']),
      catalog.rename('b', 'c'),
      catalog.delete('b'),
    ])
      await expect(write).rejects.toThrow(failure('UNSUPPORTED', /./u));
    expect(await local.has('b')).toBe(true);
  } finally {
    await server.close();
  }
});
