import { expect, jest, test } from '@jest/globals';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { storageOver } from '../../storage/stored.js';
import { tempFolder } from '../../temp-folder.js';
import { FarStore } from './far-store.js';
import { copiesIn, makeCache } from './made-caches.js';
import { openObject, putObject } from './objects.js';

jest.setTimeout(600_000); // much is written, and the machine may be busy

const RECORDS = 200;

async function makeStorage(memoryLimitBytes: number) {
  const far = new FarStore();
  const directory = tempFolder();
  const cache = makeCache(far, { directory, limitBytes: 2 ** 24, read: 'parts' });
  const storage = storageOver(cache, { memoryLimitBytes, verifyReads: true });
  const records = Array.from({ length: RECORDS }, (_, i) => ({ i, bytes: new Uint8Array(1000).fill(i) }));
  await storage.submit(records, 'x', '1');
  return { far, directory, dataref: await storage.fetch('x', '1') };
}

/** Changes every copy as a bad disk does, which tells nobody. */
function damage(directory: string): void {
  for (const path of copiesIn(directory)) {
    const { mtimeMs } = statSync(path);
    const bytes = readFileSync(path);
    for (let i = 0; i < bytes.length; i += 500) bytes[i] = (bytes[i] as number) ^ 0x40;
    writeFileSync(path, bytes);
    utimesSync(path, Date.now() / 1000, mtimeMs / 1000);
  }
}

test.each([
  ['read by position', 0],
  ['held in memory', 2 ** 24],
])('a stream of records %s goes on with the right ones when copies go bad under it', async (_, limitBytes) => {
  const { far, directory, dataref } = await makeStorage(limitBytes);
  let count = 0;
  for await (const batch of dataref.stream({ shuffle: true, shuffleSeed: 1 }).batch(20)) {
    for (const { i, bytes } of batch.records() as { i: number; bytes: Uint8Array }[]) {
      expect(bytes.every((byte) => byte === (i & 255))).toBe(true);
      count++;
    }
    if (count === 20 || count === 60) damage(directory);
  }
  expect(count).toBe(RECORDS);
  if (limitBytes === 0) expect(far.totalBytes).toBeGreaterThan(2 * RECORDS * 1000);
});

test.each(['dropped', 'replaced'])('who read a copy that went bad reads again, though it was %s for another reader meanwhile', async (fate) => {
  const far = new FarStore();
  const object = await putObject(far, 'k', 1000, 1);
  const directory = tempFolder();
  const cache = makeCache(far, { directory, limitBytes: 2 ** 20, read: 'parts' });
  const [reader, other] = [await openObject(cache, object), await openObject(cache, object)];
  const into = new Uint8Array(1000);
  await other.read(into, 0);
  damage(directory);
  reader.readSync?.(into, 0);
  expect(into).not.toEqual(object.bytes);
  expect(await other.recheck?.()).toBe(true);
  if (fate === 'replaced') await other.read(into, 0);
  expect(await reader.recheck?.()).toBe(true);
  await reader.read(into, 0);
  expect(into).toEqual(object.bytes);
  await Promise.all([reader.close(), other.close()]);
}); // prettier-ignore
