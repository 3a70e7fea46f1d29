import { expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFileReader } from '../../dist/store/file-access.js';
import { FileStore } from '../../dist/store/file-store.js';
import { failure } from '../expect-error.js';
import { openBelow } from '../open-here.js';
import { scale } from '../scale.js';
import { storeParts } from '../storage/stored.js';
import { tempFolder } from '../temp-folder.js';

jest.setTimeout(600_000); // many files are made durable
const MOST_OPEN = 512;
const FILES = scale < 1 ? MOST_OPEN + 100 : 1200;

function numberedFiles(): { readonly folder: string; readonly open: (i: number) => ReturnType<typeof opened> } {
  const folder = tempFolder();
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, String(i)), Uint32Array.of(i));
  return { folder, open: (i) => opened(join(folder, String(i))) };
}

async function opened(path: string) {
  const reader = await openFileReader(path, 'k');
  if (reader?.readSync === undefined) throw new Error(`${path} is no file on a local disk`);
  return { ...reader, readSync: reader.readSync };
}

test('of files that are read all at once, and again and again, no more are open than may be, and in the end none', async () => {
  const { folder, open } = numberedFiles();
  const readers = await Promise.all(Array.from({ length: FILES }, (_, i) => open(i)));
  expect(openBelow(folder).length).toBeGreaterThan(MOST_OPEN / 2);
  let mostOpen = 0;
  const check = async (i: number, isNow: boolean): Promise<void> => {
    const into = new Uint32Array(1);
    const bytes = new Uint8Array(into.buffer);
    if (isNow) readers[i]?.readSync(bytes, 0);
    else await readers[i]?.read(bytes, 0);
    expect(into[0]).toBe(i);
    if (i % 50 === 0) mostOpen = Math.max(mostOpen, openBelow(folder).length);
  };
  await Promise.all(readers.map((_, i) => check(i, false)));
  for (let i = 0; i < FILES; i++) await check((i * 7) % FILES, true);
  await Promise.all(readers.map((_, i) => check(i, i % 3 === 0)));
  expect(mostOpen).toBeGreaterThan(MOST_OPEN / 2);
  expect(mostOpen).toBeLessThanOrEqual(MOST_OPEN + 1);
  await Promise.all(readers.map((reader) => reader.close()));
  expect(openBelow(folder).length).toBe(0);
});

test('a file that was let go of is the same when it is opened again, or gone', async () => {
  const { folder, open } = numberedFiles();
  const [replaced, removed] = [await open(0), await open(1)];
  for (let i = 2; i < FILES; i++) (await open(i)).readSync(new Uint8Array(4), 0);
  writeFileSync(join(folder, 'new'), Uint32Array.of(77));
  renameSync(join(folder, 'new'), join(folder, '0'));
  rmSync(join(folder, '1'));
  for (const reader of [replaced, removed]) {
    expect(() => reader.readSync(new Uint8Array(4), 0)).toThrow(
      failure('GENERATION_GONE', /^k: was deleted or written/),
    );
    await expect(reader.read(new Uint8Array(4), 0)).rejects.toEqual(failure('GENERATION_GONE', /^k: was deleted/u));
  }
});

const PARTS = 120;
/** Prints the records of a@1 in a folder, read by position, at once and as a stream; from copies where there is a cache. */
const READ = `
const [dist, folder, cache] = process.argv.slice(1);
const { FileStore } = await import(dist + '/store/file-store.js');
const { withCache } = await import(dist + '/cache.js');
const { ObjectStorage } = await import(dist + '/store.js');
let store = new FileStore(folder);
if (cache !== undefined) store = withCache(store, { directory: cache, limitBytes: 2 ** 24, read: 'parts' });
const dataset = await new ObjectStorage(store, { memoryLimitBytes: 0 }).fetch('a', '1');
const seen = [];
for await (const batch of dataset.stream({ shuffle: true, shuffleSeed: 3 }).batch(40))
  for (const record of batch.records()) seen.push(record);
const all = await dataset.read(Array.from({ length: dataset.length }, (_, i) => i));
console.log(JSON.stringify([seen.sort(), all.records()]));
process.exit(0);
`;

test.each(['by position', 'from a cache'])(
  'a dataset of more parts than a process may have open files is read %s',
  async (way) => {
    const folder = tempFolder();
    const records = Array.from({ length: PARTS }, (_, i) => `record ${String(i).padStart(3, '0')}`);
    const ones = records.map(() => 1);
    await storeParts(new FileStore(folder), { dtype: 'string', shape: [] }, records as never[], ones);
    const dist = new URL('../../dist', import.meta.url).href;
    const { status, stdout, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `ulimit -n 90 && exec "$0" --input-type=module -e "$1" "$2" "$3" ${way === 'from a cache' ? '"$4"' : ''}`,
        process.execPath,
        READ,
        dist,
        folder,
        tempFolder(),
      ],
      { encoding: 'utf8' },
    );
    expect([stderr, status]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toEqual([records, records]);
  },
);
