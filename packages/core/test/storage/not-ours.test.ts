import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataref-root-'));
  home = mkdtempSync(join(tmpdir(), 'dataref-home-'));
});
afterEach(() => {
  for (const folder of [root, home]) rmSync(folder, { recursive: true, force: true });
});

function old(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'precious');
  utimesSync(path, 1, 1);
  return path;
}

describe('vacuum and delete touch nothing that is not theirs', () => {
  test('files and folders of others in the directory', async () => {
    const storage = new FileStorage(root);
    await storage.submit([1, 2], 'a', '1');
    const files = [
      old(join(root, 'src/app/data/fix/u.json')),
      old(join(root, 'a/1/data/notes/u.txt')),
      old(join(root, 'a/1/data/00112233445566ff/notes.txt')),
      old(join(root, '.tmp~/mine.txt')),
    ];
    mkdirSync(join(root, '.git/refs/heads'), { recursive: true });
    await storage.vacuum({ graceMs: 0 });
    await storage.delete('a', '1');
    await storage.vacuum({ graceMs: 0 });
    for (const file of files) expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(existsSync(join(root, '.git/refs/heads'))).toBe(true);
  });

  test.each(['a', 'a/1', 'a/1/data', '.tmp~'])('what a link at %s leads to', async (path) => {
    const files = [
      '1/dataset.json',
      'dataset.json',
      'data/00112233445566ff/00000000.arrow',
      '00112233445566ff/00000000.arrow',
      'x.json',
    ];
    for (const file of files) old(join(home, file));
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(home, join(root, path));
    const storage = new FileStorage(root);
    await storage.delete('a', '1').catch(() => undefined);
    await storage.vacuum({ graceMs: 0 }).catch(() => undefined);
    await storage.submit([1], 'a', '1').catch(() => undefined);
    for (const file of files) expect(readFileSync(join(home, file), 'utf8')).toBe('precious');
    const code = path === 'a' || path === 'a/1' ? 'STORE_FAILED' : 'NOT_FOUND';
    await expect(storage.fetch('a', '1')).rejects.toMatchObject({ code });
  });
});
