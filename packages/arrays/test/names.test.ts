import { expect, test } from '@jest/globals';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';
import { folderOf, nameOf } from '../dist/names/names.js';

test.each([
  ['test/example:input', 'arrays%/test/example%3Ainput/'],
  ['mnist', 'arrays%/mnist/'],
  ['a b/ä', 'arrays%/a%20b/%C3%A4/'],
  ['CON/com1.x/aux', 'arrays%/%43ON/%63om1.x/%61ux/'],
  ['console/com10', 'arrays%/console/com10/'],
  ['end.', 'arrays%/end%2E/'],
  ['zarr.json/.zarray/__x', 'arrays%/%7Aarr.json/%2Ezarray/%5F_x/'],
  ['100%', 'arrays%/100%25/'],
  ['a\\b', 'arrays%/a%5Cb/'],
])('%j is kept in %s, and found there', (name, folder) => {
  expect(folderOf(name)).toBe(folder);
  expect(nameOf(folder)).toBe(name);
});

test.each([
  ['', /empty/u],
  ['/a', /begin or end/u],
  ['a/', /begin or end/u],
  ['a//b', /two in a row/u],
  ['..', /'\.\.'/u],
  ['a/../b', /'\.\.'/u],
  ['./a', /'\.'/u],
  ['a/..\\b', /'\.\.'/u],
  ['\\a', /absolute/u],
  ['C:/a', /absolute/u],
  ['a\0', /control/u],
  ['a\n', /control/u],
  ['\ud800', /Unicode/u],
  ['x'.repeat(300), /300 characters, at most 255/u],
  ['x'.repeat(121), /121 bytes/u],
  ['ä'.repeat(100), /bytes|characters long/u],
  [Array(200).fill('ä').join('/').slice(0, 255), /as a path|bytes/u],
  [7, /must be a string/u],
  [undefined, /must be a string/u],
])('%j is no name', async (name, message) => {
  const arrays = openArrays(new ObjectStorage(new MemoryStore()));
  const refused = failure('INVALID_ID', message);
  expect(() => folderOf(name)).toThrow(refused);
  const form = { shape: [1], chunk: [1], dtype: 'uint8' } as const;
  await expect(arrays.array(name as string, form)).rejects.toThrow(refused);
  await expect(arrays.openArray(name as string)).rejects.toThrow(refused);
  await expect(arrays.delete(name as string)).rejects.toThrow(refused);
});

test.each(['arrays%/%61/', 'arrays%/a%3ab/', 'arrays%/CON/', 'arrays%/%/', 'arrays%/x%shapes-a/', 'arrays%/a./'])(
  '%s is the folder of no name',
  (folder) => {
    expect(nameOf(folder)).toBeUndefined();
  },
);
