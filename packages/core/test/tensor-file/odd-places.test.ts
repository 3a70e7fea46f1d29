import { execFileSync } from 'node:child_process';
import {
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkFilePath, checkPath, readTensors, writeTensors } from '@dataref/core/adapter';
import { scale } from '../scale.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataref-tensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const array = { name: 'a', dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 3) } as const;
const read = (path: string | URL) => readTensors(path, () => undefined);

test.each([
  ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
  ['a folder', (path: string) => mkdir(path)],
  ['a link to a pipe', async (path: string) => {
    execFileSync('mkfifo', [`${path}.pipe`]);
    await symlink(`${path}.pipe`, path);
  }], // prettier-ignore
])('%s is not replaced by a file, and refused before there is anything to write', async (name, make) => {
  const path = join(folder, name);
  await make(path);
  const { mode } = await lstat(path);
  const message: unknown = expect.stringContaining(path);
  await expect(writeTensors(path, [array], {})).rejects.toMatchObject({ code: 'STORE_FAILED', message });
  expect((await lstat(path)).mode).toBe(mode);
  expect(() => checkFilePath('here', path)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
});

test('a link stays one: what it leads to is replaced', async () => {
  const there = join(folder, 'there');
  await mkdir(there);
  const [path, link] = [join(there, 'run.ckpt'), join(folder, 'link.ckpt')];
  await writeFile(path, 'old');
  await symlink(path, link);
  await writeTensors(link, [array], {});
  expect(await readlink(link)).toBe(path);
  expect((await read(path))?.arrays).toEqual([array]);
  expect(await readdir(there)).toEqual(['run.ckpt']);
});

test('a URL that cannot be decoded is refused, and one that can names its file', async () => {
  const url = pathToFileURL(join(folder, 'ü %41#?.ckpt'));
  await writeTensors(checkPath('here', url), [array], {});
  expect((await read(url))?.arrays).toEqual([array]);
  const broken = new URL('file:///tmp/%zz.ckpt');
  expect(() => checkFilePath('here', broken)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

test('a name that is too long is told when it is read and written', async () => {
  const path = join(folder, 'a'.repeat(300));
  expect(checkFilePath('here', path)).toBe(path);
  const failed = { code: 'STORE_FAILED', details: { errno: 'ENAMETOOLONG' } };
  await expect(read(path)).rejects.toMatchObject(failed);
  await expect(writeTensors(path, [array], {})).rejects.toMatchObject(failed);
});

test('arrays that there is no memory for are told so', async () => {
  const path = join(folder, 'huge.ckpt');
  await writeTensors(path, [array], {});
  const bytes = await readFile(path);
  const elements = 2 ** 42;
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
    string,
    object
  >;
  header['a'] = { dtype: 'U8', shape: [elements], data_offsets: [0, elements] };
  header['sha256'] = { dtype: 'U8', shape: [32], data_offsets: [elements, elements + 32] };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([length, text]));
  await truncate(path, 8 + text.length + elements + 32); // takes no room on the disk
  await expect(read(path)).rejects.toMatchObject({ code: 'MEMORY_LIMIT', details: { path } });
});

/** What hashes take at once, and more: two gigabytes of memory and of disk, but in quick runs. */
const large = scale < 1 ? 2 ** 26 : 2 ** 31;
test(`an array of ${large / 2 ** 20} MiB is written and read`, async () => {
  const path = join(folder, 'large.ckpt');
  const data = new Uint8Array(large);
  data[large - 1] = 7;
  await writeTensors(path, [{ ...array, shape: [data.length], data }], {});
  const file = await open(path);
  expect((await file.stat()).size).toBeGreaterThan(data.length);
  await file.close();
  expect((await read(path))?.arrays[0]?.data[large - 1]).toBe(7);
}, 120_000);
