import { rename, writeFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { openNpy } from '../../dist/npy/npy-array.js';
import { TOKEN_DTYPES } from '../../dist/npy/header.js';
import { tokenFile, tokensOf, writeNpy } from './token-samples.js';

const LIMIT = 2 ** 30;
const open = (file: string, memoryLimitBytes = LIMIT) =>
  openNpy(file, TOKEN_DTYPES, { useSharedMemory: true, memoryLimitBytes });
const memoryOf = async (file: string) => (await (await open(file)).stretches([0], [1], undefined)).data.buffer;

test('opened again, and twice at once, a file is the same memory', async () => {
  const file = await tokenFile(1000);
  const [first, second] = await Promise.all([memoryOf(file), memoryOf(file)]);
  expect(first).toBeInstanceOf(SharedArrayBuffer);
  expect(second).toBe(first);
  expect(await memoryOf(file)).toBe(first);
});

test('a thread that is begun afterwards has the same memory: what one writes there, the other reads', async () => {
  const file = await tokenFile(1000);
  const tokens = await open(file);
  const { data } = await tokens.stretches([0], [1], undefined);
  data[500] = 4321;
  const worker = new Worker(new URL('modules/token-reader.mjs', import.meta.url), { workerData: { file, at: 500 } });
  const [seen] = (await once(worker, 'message')) as [{ value: number; isHeld: boolean }];
  expect(seen).toEqual({ isHeld: true, value: 4321 });
  await once(worker, 'exit');
});

test('a file that was written anew is read anew', async () => {
  const file = await tokenFile(100);
  const old = await open(file);
  await rename(await writeNpy(`${file}.new`, 'uint16', [5, 6, 7]), file);
  const { data, starts } = await (await open(file)).stretches([0], [3], undefined);
  expect(Array.from(data.subarray(starts[0] as number))).toEqual([5, 6, 7]);
  expect(old.length).toBe(100);
});

test('what is beyond the limit is read by position', async () => {
  const file = await tokenFile(1000);
  const tokens = await open(file, 1999);
  expect(tokens.isHeld).toBe(false);
  const { data, starts } = await tokens.stretches([998, 3], [2, 1], undefined);
  expect(Array.from(starts)).toEqual([0, 2]);
  expect(Array.from(data)).toEqual([...tokensOf(1000).slice(998), tokensOf(1000)[3]]);
});

test('a file without any tokens is held as well', async () => {
  const file = await writeNpy(`${await tokenFile(1)}.empty`, 'int32', []);
  expect((await open(file)).length).toBe(0);
  await writeFile(file, '');
  await expect(open(file)).rejects.toMatchObject({ code: 'CORRUPT' });
});
