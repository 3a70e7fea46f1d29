import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { failure } from '../../../core/test/expect-error.js';
import { encodeNpyHeader } from '../../dist/npy/header.js';
import { documents, windows } from '../../dist/windows/token-files.js';
import { tokenFile, tokenFolder, WAYS, writeNpy } from './token-samples.js';

const OPTIONS = { sequenceLength: 8, fingerprint: 'x' };

describe.each(WAYS)('read $name', (way) => {
  test('a window longer than the tokens says how many there are', async () => {
    const file = await tokenFile(8);
    await expect(windows(file, { ...OPTIONS, ...way })).rejects.toEqual(
      failure('OUT_OF_RANGE', /train\.npy: has 8 tokens, and a window of 8 with its labels needs 9/u),
    );
    expect((await windows(file, { ...OPTIONS, ...way, sequenceLength: 7 })).length).toBe(1);
  });

  test('a file cut short, another file and none are told apart', async () => {
    const file = await tokenFile(100);
    const opened = async () => windows(file, { ...OPTIONS, ...way });
    await truncate(file, 200);
    await expect(opened()).rejects.toEqual(failure('CORRUPT', /train\.npy: has 200 bytes, its head says 328/u));
    await writeFile(file, 'Call me Ishmael.');
    await expect(opened()).rejects.toEqual(failure('CORRUPT', /train\.npy: is no \.npy file/u));
    await writeNpy(file, 'int64', [1, 2, 3]);
    await expect(opened()).rejects.toEqual(failure('UNSUPPORTED', /'<i8'.*expected one axis of '<u2' or '<i4'/u));
    await rm(file);
    await expect(opened()).rejects.toEqual(failure('NOT_FOUND', /train\.npy/u));
  });

  test('documents whose ends are not those of the tokens are refused', async () => {
    const folder = await tokenFolder();
    const tokens = await writeNpy(join(folder, 'train.npy'), 'uint16', [1, 2, 3, 4]);
    const ends = async (...values: number[]) => writeNpy(join(folder, `${values.join('-')}.npy`), 'int64', values);
    const open = async (...values: number[]) => documents(tokens, await ends(...values), { fingerprint: 'x', ...way });
    await expect(open(2, 5)).rejects.toEqual(failure('CORRUPT', /2-5\.npy: its documents end at token 5/u));
    await expect(open()).rejects.toEqual(failure('CORRUPT', /end at token 0/u));
    const disordered = await open(3, 2, 4);
    await expect(disordered.at(1)).rejects.toEqual(failure('CORRUPT', /document 1 is tokens 3 to 2 of 4/u));
    expect(Array.from((await disordered.at(2)).tokens.data)).toEqual([3, 4]);
  });
});

test.each([
  { sequenceLength: 0 },
  { sequenceLength: 1.5 },
  { sequenceLength: '8' },
  { stride: 0 },
  { dtype: 'int16' },
  { useSharedMemory: 1 },
  { memoryLimitBytes: -1 },
])('a bad option is named: %j', async (bad) => {
  const opened = windows(await tokenFile(100), { ...OPTIONS, ...(bad as object) });
  await expect(opened).rejects.toEqual(failure('INVALID_ARGUMENT', new RegExp(Object.keys(bad)[0] as string, 'u')));
});

test('a file larger than any memory is read by position, whatever the limit', async () => {
  const file = join(await tokenFolder(), 'train.npy');
  const tokens = 2 ** 38;
  await writeFile(file, encodeNpyHeader('uint16', tokens));
  await truncate(file, 128 + 2 * tokens);
  for (const useSharedMemory of [true, false]) {
    const opened = await windows(file, { ...OPTIONS, useSharedMemory, memoryLimitBytes: 2 ** 45 });
    expect(Array.from((await opened.at(5)).labels.data)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  }
});

test('an abort before and while the tokens are loaded ends it with its reason, and nobody else', async () => {
  const file = await tokenFile(1000);
  const reason = new Error('enough');
  await expect(windows(file, { ...OPTIONS, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  const opening = windows(file, { ...OPTIONS, signal: controller.signal });
  const other = windows(file, OPTIONS);
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
  expect((await other).length).toBe(124);
});
