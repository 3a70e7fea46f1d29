import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { DataRefError, isDataRefError, type ErrorCode } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { HttpStorage } from '@dataref/core/http';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays, slice } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';
import { serveFolder } from '../../core/test/servers/file-server.js';
import { listing, tempFolder } from '../../core/test/temp-folder.js';

const FORM = { shape: [6, 4], chunk: [4, 3], dtype: 'int32' } as const;

test('arrays and datasets of records in one storage know nothing of each other', async () => {
  const folder = tempFolder();
  const storage = new FileStorage(folder);
  const arrays = openArrays(storage);
  const ids = ['arrays', 'arrays%', 'x', 'c'];
  for (const id of ids) await storage.submit([{ a: 1 }], id, '0');
  const names = ['x/0/data', '0', 'arrays/0/data/0123456789abcdef', 'dataset.json'];
  for (const name of names) await (await arrays.array(name, FORM)).set([], 1);
  const before = listing(join(folder, 'arrays%'));
  await storage.vacuum({ graceMs: 0 });
  const stored: string[] = [];
  for await (const { id } of storage.list()) stored.push(id);
  expect(stored.sort()).toEqual([...ids].sort());
  for (const id of ids) await storage.delete(id, '0');
  await storage.vacuum({ graceMs: 0 });
  expect(listing(join(folder, 'arrays%'))).toEqual(before);
  await expect(storage.fetch('x', '0')).rejects.toThrow(failure('NOT_FOUND', /no dataset yet/u));
  await storage.submit([{ a: 1 }], 'x', '0');
  for (const name of names) await arrays.delete(name);
  expect(await storage.has('x', '0')).toBe(true);
  await storage.delete('x', '0');
  await storage.vacuum({ graceMs: 0 });
  expect(listing(folder)).toEqual([]);
});

test('a replacement that ends at any request leaves the old array or the new one, and the next is whole', async () => {
  for (let last = 0; ; last++) {
    const store = new MemoryStore();
    const arrays = openArrays(new ObjectStorage(store));
    await (await arrays.array('x', { ...FORM, recordAxes: 1 })).set([], 1);
    let requests = 0;
    const failing = new Proxy(store, {
      get(target, name: keyof MemoryStore) {
        const method = target[name];
        if (typeof method !== 'function' || (name !== 'put' && name !== 'delete'))
          return typeof method === 'function' ? (method as () => unknown).bind(target) : method;
        return async (...args: never[]) => {
          if (requests++ >= last) throw new Error('killed');
          return (method as (...given: never[]) => unknown).apply(target, args);
        };
      },
    });
    const other = openArrays(new ObjectStorage(failing));
    const error: unknown = await other.array('x', { ...FORM, shape: [6], chunk: [3], ifExists: 'replace' }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const found = await arrays.openArray('x');
    const { data } = (await found.get([])) as { data: Int32Array };
    const isOld = found.shape.length === 2;
    expect([found.shape, new Set(data)]).toEqual([isOld ? [6, 4] : [6], new Set(isOld ? [1] : [0])]);
    await arrays.array('x', { ...FORM, ifExists: 'replace' });
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    if (error === undefined) {
      expect(keys).toEqual(['arrays%/x/zarr.json']);
      return;
    }
  }
});

test('a description that cannot be read is no reason to remove it', async () => {
  const store = new MemoryStore();
  await openArrays(new ObjectStorage(store)).array('x', FORM);
  const failing = new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      if (name === 'get') return () => Promise.reject(new DataRefError('STORE_FAILED', 'down'));
      const method = target[name];
      return typeof method === 'function' ? (method as () => unknown).bind(target) : method;
    },
  });
  await expect(openArrays(new ObjectStorage(failing)).delete('x')).rejects.toThrow(failure('STORE_FAILED', /down/u));
  expect(await openArrays(new ObjectStorage(store)).has('x')).toBe(true);
});

test('arrays behind a server of files are read, and not written', async () => {
  const folder = tempFolder();
  const local = openArrays(new FileStorage(folder));
  await (await local.array('a:b/x', FORM)).set([slice(2, 5)], 7);
  await local.dataset('all', { x: 'a:b/x' });
  const server = await serveFolder(folder);
  try {
    const arrays = openArrays(new HttpStorage(server.url));
    const array = await arrays.openArray('a:b/x');
    expect(Array.from(((await array.get([null, 0])) as { data: Int32Array }).data)).toEqual([0, 0, 7, 7, 7, 0]);
    expect((await arrays.openDataset('all')).length).toBe(6);
    for (const write of [
      array.set([0, 0], 1),
      array.set([], 1),
      array.append([[1, 1, 1, 1]]),
      array.resize(2),
      arrays.array('y', FORM),
      arrays.delete('a:b/x'),
    ])
      await expect(write).rejects.toThrow(failure('UNSUPPORTED', /./u));
    expect(await (await local.openArray('a:b/x')).get([2, 0])).toBe(7);
  } finally {
    await server.close();
  }
});

let golden: ReturnType<typeof openArrays>;
beforeAll(() => {
  const folder = tempFolder();
  cpSync(fileURLToPath(new URL('golden', import.meta.url)), join(folder, 'arrays%'), { recursive: true });
  golden = openArrays(new FileStorage(folder));
});

const VALUES = Array.from({ length: 210 }, (_, i) => (i * 37) % 251);

// Made by golden/make.py with zarr-python 3.1.6 and tensorstore 0.1.86; only the first five of seven records are written.
test.each<[string, string, number, (value: number) => number, ErrorCode | undefined]>([
  ['v3-sharded', 'int32', 0, Number, 'UNSUPPORTED'],
  ['v3-sharded-fill', 'float32', NaN, Number, 'UNSUPPORTED'],
  ['tensorstore-sharded', 'int32', 0, Number, 'UNSUPPORTED'],
  ['v3-transposed', 'float64', 0, Number, undefined],
  ['v3-big-endian', 'uint16', 7, Number, undefined],
  ['v3-bool', 'bool', 1, (value) => (value === 0 ? 0 : 1), undefined],
  ['v3-half', 'float16', 0x3e00, halfBits, undefined],
  ['v2-blosc', 'int32', 0, Number, undefined],
  ['v2-fortran-zlib', 'int32', 0, Number, undefined],
  ['v2-plain', 'int32', 0, Number, undefined],
])('%s, made by Python, is read, and written to where it can be', async (name, dtype, fill, stored, refused) => {
  const array = await golden.openArray(name);
  expect([array.dtype, array.shape]).toEqual([dtype, [7, 6, 5]]);
  const expected = VALUES.map((value, i) => (i < 150 ? stored(value) : fill));
  const read = async (): Promise<unknown[]> => Array.from(((await array.get([])) as { data: Float64Array }).data);
  expect(await read()).toEqual(expected);
  const written = await array.set([slice(4, 7), 5], dtype === 'bool' ? true : 1).catch((error: unknown) => error);
  if (refused !== undefined) return expect(isDataRefError(written, refused)).toBe(true);
  expect(written).toBeUndefined();
  for (const record of [4, 5, 6]) expected.fill(stored(1), record * 30 + 25, record * 30 + 30);
  expect(await read()).toEqual(expected);
  return undefined;
});

/** Bits of a small whole number as a float16. */
function halfBits(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024);
}
