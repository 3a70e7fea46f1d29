import { expect, test } from '@jest/globals';
import { closeSync, fstatSync, openSync, utimesSync, writeSync } from 'node:fs';
import { CacheFolder } from '../../../dist/store/cache/cache-folder.js';
import { tempFolder } from '../../temp-folder.js';

test('a download that was given up has no bytes more, though who was suspended in it still holds its file', async () => {
  const folder = new CacheFolder(tempFolder(), 2000);
  const reserve = (id: string) =>
    folder.reserve(
      id.repeat(32),
      1000,
      () => undefined,
      () => undefined,
    );
  const { path } = (await reserve('a')) as { path: string };
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, new Uint8Array(1000));
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(path, longAgo, longAgo);
    await reserve('b');
    const { size, nlink } = fstatSync(fd);
    expect([size, nlink]).toEqual([0, 0]);
  } finally {
    closeSync(fd);
  }
});
