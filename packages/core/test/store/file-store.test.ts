import { describe, expect, test } from '@jest/globals';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStore } from '../../dist/store/file-store.js';
import { fileError } from '../../dist/store/file-access.js';
import { isRunning, thisProcess } from '../../dist/store/process-identity.js';
import { listing, tempFolder } from '../temp-folder.js';

describe('a FileStore', () => {
  test('lists files alone: no link, no folder, and nothing that is no key', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    await store.put('a/b', new Uint8Array(3));
    mkdirSync(join(folder, 'empty'));
    mkdirSync(join(folder, 'of the user'));
    writeFileSync(join(folder, 'of the user', 'file'), '');
    writeFileSync(join(folder, 'ä'), '');
    symlinkSync('/', join(folder, 'root'));
    symlinkSync(join(folder, 'a/b'), join(folder, 'link'));
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['a/b']);
    expect((await store.listFolders('')).toSorted()).toEqual(['a', 'empty']);
    expect(await store.head('link')).toBeUndefined();
    await expect(store.open('link')).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await store.sweep();
    expect(listing(folder)).toEqual(['a/b', 'link', 'of the user/file', 'root', 'ä']);
  });

  test('writes over a folder, or below a file, fail with STORE_FAILED, naming the key, and leave no temp file', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    await store.put('a/b', new Uint8Array(3));
    for (const key of ['a', 'a/b/c']) {
      await expect(store.put(key, new Uint8Array(1))).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(new RegExp(`^${key}: `, 'u')),
      });
    }
    expect(listing(folder)).toEqual(['.tmp~/', 'a/b']);
  });

  test('what is no file is told from an object that is there already', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    mkdirSync(join(folder, 'folder/below'), { recursive: true });
    symlinkSync('/', join(folder, 'link'));
    for (const key of ['folder', 'link'])
      await expect(store.put(key, new Uint8Array(1), { ifAbsent: true })).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(new RegExp(`^${key}: .* remove it`, 'u')),
      });
    expect(listing(folder)).toEqual(['.tmp~/', 'folder/below/', 'link']);
  });

  test('a folder that became a link is not followed, at any depth, by reads at once of keys that have it in common', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    const keys = Array.from({ length: 8 }, (_, i) => `a/b/${i % 2}/${i}`);
    for (const key of keys) await store.put(key, Uint8Array.of(1));
    const read = () => Promise.allSettled(keys.map((key) => store.get(key, 9)));
    const elsewhere = tempFolder();
    const isRefused = ({ status, reason }: { status: string; reason?: { code?: unknown } }): boolean =>
      status === 'rejected' && reason?.code === 'STORE_FAILED';
    for (const [link, refused] of [
      ['a', 8],
      ['a/b', 8],
      ['a/b/0', 4],
    ] as const) {
      expect((await read()).filter(isRefused)).toEqual([]); // nothing is remembered of it
      const outside = join(elsewhere, link.replaceAll('/', '-'));
      renameSync(join(folder, link), outside);
      symlinkSync(outside, join(folder, link));
      expect((await read()).filter(isRefused)).toHaveLength(refused);
      rmSync(join(folder, link));
      renameSync(outside, join(folder, link));
    }
  });

  test('a failed read is an error of ours, synchronous or not', async () => {
    const store = new FileStore(tempFolder());
    await store.put('k', new Uint8Array(3));
    const reader = await store.open('k');
    await reader?.close();
    await expect(reader?.read(new Uint8Array(1), 0)).rejects.toBeDefined();
    expect(() => reader?.readSync?.(new Uint8Array(1), 0)).toThrow();
    for (const [errno, code] of [
      ['ENOSPC', 'DISK_FULL'],
      ['EDQUOT', 'DISK_FULL'],
      ['EFBIG', 'DISK_FULL'],
      ['EIO', 'STORE_FAILED'],
      ['EACCES', 'STORE_FAILED'],
      ['EMFILE', 'STORE_FAILED'],
    ]) {
      const error = Object.assign(new Error(errno), { code: errno, syscall: 'read' });
      expect(fileError(error, 'a/b')).toMatchObject({
        code,
        message: expect.stringMatching(`^a/b: .*${errno}`),
        cause: error,
      });
    }
  });
});

test('a put in its turn is overwritten by no put on a condition that did not see it', async () => {
  const store = new FileStore(tempFolder());
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const append = async (): Promise<void> => {
    for (;;) {
      const held = await store.get('new/k', 99);
      const text = new TextDecoder().decode(held?.bytes);
      const condition = held === undefined ? { ifAbsent: true } : { ifVersion: held.version };
      if ((await store.put('new/k', bytesOf(`${text}+`), condition)) !== undefined) return;
    }
  };
  for (let i = 0; i < 100; i++) {
    if (i % 10 === 0)
      await store.delete('new/k'); // and its folder
    else await store.put('new/k', bytesOf('old'));
    await Promise.all([append(), append(), store.put('new/k', bytesOf('whole'), { inTurn: true })]);
    const text = new TextDecoder().decode((await store.get('new/k', 99))?.bytes);
    expect(['whole', 'whole+', 'whole++']).toContain(text);
  }
});

describe('the identity of a process', () => {
  const self = thisProcess();

  test('of one that runs, of one whose number was used anew, of one of another host', () => {
    expect(isRunning(self)).toBe(true);
    expect(isRunning(JSON.parse(JSON.stringify(self)))).toBe(true);
    expect(isRunning({ ...self, startTicks: (self.startTicks ?? 0) + 1 })).toBe(false);
    expect(isRunning({ ...self, pid: 2 ** 22 + 1 })).toBe(false);
    expect(isRunning({ ...self, host: 'elsewhere' })).toBeUndefined();
  });

  test.each([
    null,
    undefined,
    7,
    'x',
    {},
    { host: self.host },
    { ...self, pid: 0 },
    { ...self, pid: '1' },
    { ...self, pid: -1 },
  ])('of what names none: %j', (identity) => {
    expect(isRunning(identity)).toBeUndefined();
  });
});
