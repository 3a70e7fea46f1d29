import { expect, jest, test } from '@jest/globals';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { FolderLock } from '../../../dist/store/cache/folder-lock.js';
import { thisProcess } from '../../../dist/store/process-identity.js';
import { failure } from '../../expect-error.js';
import { listing, tempFolder } from '../../temp-folder.js';

jest.setTimeout(600_000); // much is written, and the machine may be busy

/** The name of a lock's file whose holder is a process of this host. */
function fileOf(pid: number, startTicks: number | null): string {
  const { host } = thisProcess();
  return `0123456789abcdef.${Buffer.from(JSON.stringify([host, pid, startTicks])).toString('base64url')}`;
}

test('one holder at a time, whatever happens to its work, and nothing stays', async () => {
  const folder = tempFolder();
  const locks = [new FolderLock(folder), new FolderLock(folder)];
  let holders = 0;
  const work = (fails: boolean) => (isHeld: () => boolean) => {
    expect([++holders, isHeld()]).toEqual([1, true]);
    holders--;
    if (fails) throw new Error('failed');
    return 7;
  };
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, async (_, i) => locks[i % 2]?.hold(work(i % 3 === 0))),
  );
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
  expect(results.every((result) => result.status === 'rejected' || result.value === 7)).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test("a dead process's lock is broken at once; a living one's is waited for", async () => {
  const folder = tempFolder();
  const lock = new FolderLock(folder);
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  mkdirSync(join(folder, 'lock'));
  writeFileSync(join(folder, 'lock', fileOf(pid, 1)), '');
  const start = performance.now();
  expect(await lock.hold(() => 1)).toBe(1);
  expect(performance.now() - start).toBeLessThan(8000); // and not after the ten seconds of a frozen one

  const { startTicks } = thisProcess();
  mkdirSync(join(folder, 'lock'));
  writeFileSync(join(folder, 'lock', fileOf(process.pid, startTicks)), '');
  const enough = new AbortController();
  setTimeout(() => enough.abort(), 100);
  await expect(lock.hold(() => 1, enough.signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(folder)).toEqual(['lock']);
});

test("what is in the lock's folder and names nobody is a frozen holder, whose lock is broken after ten seconds", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'lock'));
  writeFileSync(join(folder, 'lock', 'somebody'), '');
  expect(await new FolderLock(folder).hold(() => 1)).toBe(1);
});

test('who lost the lock while it was frozen is told so', async () => {
  const folder = tempFolder();
  const seen = await new FolderLock(folder).hold((isHeld) => {
    const before = isHeld();
    const [name] = readdirSync(join(folder, 'lock')) as [string];
    spawnSync('rm', [join(folder, 'lock', name)]);
    return [before, isHeld()];
  });
  expect(seen).toEqual([true, false]);
});

test('a folder where a holder has a file is refused at once, and stays', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'lock/x/y'), { recursive: true });
  const lock = new FolderLock(folder);
  const start = performance.now();
  for (let i = 0; i < 3; i++)
    await expect(lock.hold(() => 1)).rejects.toEqual(failure('STORE_FAILED', /lock.x: is a folder.*remove it/u));
  expect(performance.now() - start).toBeLessThan(8000); // and not after the twenty seconds of a busy lock
  expect(listing(folder)).toEqual(['lock/x/y/']);
});
