import { describe, expect, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { isDataRefError } from '@dataref/core';
import { listing, tempFolder } from '../temp-folder.js';

const BAD: readonly (readonly [string, unknown, RegExp])[] = [
  ['empty', '', /must not be empty/],
  ['a way out', '../x', /'\.\.' as a path segment/],
  ['a way out in the middle', 'a/../b', /'\.\.' as a path segment/],
  ['a way out at the end', 'a/..', /'\.\.' as a path segment/],
  ['a way out with backslashes', 'a\\..\\b', /'\.\.' as a path segment/],
  ['this folder', '.', /as a path segment/],
  ['this folder in the middle', 'a/./b', /as a path segment/],
  ['the folder above', '..', /as a path segment/],
  ['an absolute path', '/abs', /absolute/],
  ['an absolute path of Windows', 'C:\\x', /absolute/],
  ['an absolute path of Windows with a slash', 'c:/x', /absolute/],
  ['a share of Windows', '\\\\host\\x', /absolute/],
  ['NUL', 'a\0b', /control characters/],
  ['a line feed', 'a\nb', /control characters/],
  ['DEL', 'a\u007f', /control characters/],
  ['300 characters', 'x'.repeat(300), /300 bytes of UTF-8, at most 120/],
  ['121 characters', 'x'.repeat(121), /121 bytes/],
  ['41 characters of three bytes', '字'.repeat(41), /123 bytes/],
  ['too long for a file name', 'ü'.repeat(60), /360 characters long as a file name/],
  ['half a surrogate pair', 'a\ud800', /not well-formed/],
  ['no string', 7, /must be a string/],
  ['nothing', undefined, /must be a string/],
  ['an object', { toString: () => 'x' }, /must be a string/],
];

describe('an id or a version names one folder, and nothing outside it', () => {
  const folder = tempFolder();
  const storage = new FileStorage(folder);

  test.each(BAD)('%s is refused everywhere, saying why', async (_, bad, why) => {
    const text = bad as string;
    for (const [what, id, version] of [
      ['id', text, '1'],
      ['version', 'x', text],
    ] as const) {
      const attempts = [
        storage.submit([1], id, version),
        storage.fetch(id, version),
        storage.has(id, version),
        storage.info(id, version),
        storage.delete(id, version),
        storage.verify(id, version),
      ];
      for (const attempt of attempts) {
        const error: unknown = await attempt.then(
          () => 'resolved',
          (reason: unknown) => reason,
        );
        expect(isDataRefError(error, 'INVALID_ID')).toBe(true);
        expect((error as Error).message).toMatch(why);
        expect((error as Error).message).toMatch(new RegExp(`^${what} `));
      }
    }
    expect(listing(folder)).toEqual([]);
  });

  test('ids and versions with slashes, dots and any script stay apart, and come back from list', async () => {
    const own = new FileStorage(tempFolder());
    const names: [string, string][] = [
      ['a', 'b/c'],
      ['a/b', 'c'],
      ['a%2Fb', 'c'],
      ['.tmp', '1'],
      ['.tmp~', '1'],
      ['data', 'dataset.json'],
      ['dataset.json', 'data'],
      ['größe', '1.0 β'],
      ['Å', '1'],
      ['a b', '1'],
      ['a+b', '1'],
      ['a.', '...'],
      ['-rf', '~'],
      ['🎈', '1'],
      ['C:x', '1'],
      ['x'.repeat(120), 'y'.repeat(120)],
    ];
    for (const [i, [id, version]] of names.entries()) await own.submit([i], id, version);
    await own.vacuum({ graceMs: 0 });
    for (const [i, [id, version]] of names.entries()) {
      expect(await (await own.fetch(id, version)).at(0)).toBe(i);
    }
    const listed: string[] = [];
    for await (const { id, version } of own.list()) listed.push(JSON.stringify([id, version]));
    expect(listed.sort()).toEqual(names.map((name) => JSON.stringify(name)).sort());
  });

  test('an id that differs from another by case alone is refused, naming that one', async () => {
    const own = new FileStorage(tempFolder());
    await own.submit([1], 'Digits', '1');
    await expect(own.submit([2], 'digits', '1')).rejects.toMatchObject({
      code: 'INVALID_ID',
      message: expect.stringMatching(/"digits" differs from "Digits" by case alone/u),
    });
    await own.submit([2], 'Digits', '2');
    await own.submit([2], 'ü', '1');
    await own.submit([2], 'Ü', '1'); // different bytes: different names on every file system
  });

  test('a missing dataset or version is NOT_FOUND and says what there is', async () => {
    const own = new FileStorage(tempFolder());
    await expect(own.fetch('a', '1')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/a@1/u),
    });
    await own.submit([1], 'a', '1.0');
    await own.submit([1], 'a', 'b/c');
    const lacking = { code: 'NOT_FOUND', message: expect.stringMatching(/a@2 .*there are versions 1\.0, b\/c$/u) };
    await expect(own.fetch('a', '2')).rejects.toMatchObject(lacking);
    await expect(own.info('a', '2')).rejects.toMatchObject(lacking);
    await expect(own.verify('a', '2')).rejects.toMatchObject(lacking);
    expect(await own.has('a', '2')).toBe(false);
    expect(await own.delete('a', '2')).toBe(false);
  });
});
