import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import type { ErrorCode } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';

const FORM = { shape: [6, 4], chunk: [4, 3], dtype: 'int32' } as const;

async function opened() {
  const store = new MemoryStore();
  const arrays = openArrays(new ObjectStorage(store));
  const x = await arrays.array('a/x', FORM);
  const elsewhere = await openArrays(new ObjectStorage(new MemoryStore())).array('a/x', FORM);
  await arrays.dataset('all', { x });
  return { store, arrays, x, elsewhere };
}
type Opened = Awaited<ReturnType<typeof opened>>;

test.each<[string, (given: Opened) => Promise<unknown>, ErrorCode, RegExp]>([
  [
    'a dtype misspelt',
    ({ arrays }) => arrays.array('y', { ...FORM, dtype: 'unit8' as 'uint8' }),
    'INVALID_ARGUMENT',
    /dtype must be one of bool, int8, .*, float64, got "unit8"; did you mean "uint8"/u,
  ],
  [
    'a dtype of no numbers',
    ({ arrays }) => arrays.array('y', { ...FORM, dtype: 'string' as 'uint8' }),
    'INVALID_ARGUMENT',
    /float64, got "string"$/u,
  ],
  ['a name that is taken', ({ arrays }) => arrays.array('a/x', FORM), 'ALREADY_EXISTS', /an array "a\/x".*'replace'/u],
  [
    'a dataset that is there',
    ({ arrays }) => arrays.dataset('all', { y: 'a/x' }),
    'ALREADY_EXISTS',
    /a dataset of other components "all".*ifExists: 'replace'/u,
  ],
  ['no array', ({ arrays }) => arrays.openArray('y'), 'NOT_FOUND', /no array "y" in memory:; array\(name, options\)/u],
  ['no dataset', ({ arrays }) => arrays.openDataset('y'), 'NOT_FOUND', /"y" in memory:; dataset\(name, components\)/u],
  ['a dataset as an array', ({ arrays }) => arrays.openArray('all'), 'INVALID_ARGUMENT', /openDataset\(name\)/u],
  ['an array as a dataset', ({ arrays }) => arrays.openDataset('a/x'), 'INVALID_ARGUMENT', /openArray\(name\)/u],
  [
    'an array that was not awaited',
    ({ arrays }) => arrays.dataset('y', { x: arrays.openArray('a/x') as never }),
    'INVALID_ARGUMENT',
    /x must be an array .*, got a Promise: await it/u,
  ],
  [
    'an array of another storage',
    ({ arrays, elsewhere }) => arrays.dataset('y', { x: elsewhere }),
    'INVALID_ARGUMENT',
    /the same storage, or its name, got one of another: give its name/u,
  ],
])('%s is told of with what to do', async (_, mistake, code, message) => {
  await expect(mistake(await opened())).rejects.toThrow(failure(code, message));
});

test('arrays print what they are, and nothing of their storage', async () => {
  const { arrays, x } = await opened();
  expect(inspect({ arrays, x })).toBe(
    '{\n  arrays: Arrays of memory:,\n  x: ChunkedArray a/x · int32[6, 4] in chunks of [4, 3]\n}',
  );
  expect(JSON.stringify(x)).toBe('{"name":"a/x"}');
});

test('what cannot be opened here is listed', async () => {
  const { arrays, store } = await opened();
  const texts = { zarr_format: 3, node_type: 'array', shape: [2], data_type: 'string' };
  await store.put('arrays%/texts/zarr.json', new TextEncoder().encode(JSON.stringify(texts)));
  const names: string[] = [];
  for await (const { name, kind } of arrays.list()) names.push(`${kind} ${name}`);
  expect(names).toEqual(['array a/x', 'dataset all', 'array texts']);
});
