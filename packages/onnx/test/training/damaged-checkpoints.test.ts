import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as ort from 'onnxruntime-node';
import { loadCheckpoint } from '@dataref/onnx/pure';
import { runs } from '../../../core/test/scale.js';
import { bitsOf, loopOf, mlp, openSession, stepsOf } from './points.js';

let session: ort.InferenceSession;
let folder: string;
let path: string;
let good: Buffer;
beforeAll(async () => {
  session = await openSession(mlp);
  folder = await mkdtemp(join(tmpdir(), 'dataref-onnx-'));
  path = join(folder, 'run.safetensors');
  await stepsOf(loopOf(session, { steps: 3, checkpoint: { path, model: mlp.trainingGraph } }));
  good = await readFile(path);
});
afterAll(async () => {
  await session.release();
  await rm(folder, { recursive: true, force: true });
});

/** Both ways in refuse the file, and the loop stays at its beginning. */
async function refuses(bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes);
  const corrupt = { code: 'CORRUPT', message: expect.stringContaining(path), details: { path } };
  await expect(loadCheckpoint(path)).rejects.toMatchObject(corrupt);
  const loop = loopOf(session, { steps: 5, checkpoint: { path, model: mlp.trainingGraph } });
  await expect(stepsOf(loop)).rejects.toMatchObject(corrupt);
  expect(loop.step).toBe(0);
  expect(bitsOf(loop.parameters())).toEqual(bitsOf(mlp.initialState(1)));
}

test('no file is no checkpoint; a folder, or no path at all, is refused', async () => {
  expect(await loadCheckpoint(join(folder, 'none'))).toBeUndefined();
  await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(loadCheckpoint('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('any byte that changed is found', async () => {
  const step = Math.max(1, Math.round(good.length / runs(500)));
  for (let at = 0; at < good.length; at += step) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
    await refuses(bytes);
  }
});

test('a file that was cut off anywhere, or has bytes added, is refused', async () => {
  const step = Math.max(1, Math.round(good.length / runs(300)));
  for (let length = 0; length < good.length; length += step) await refuses(good.subarray(0, length));
  await refuses(Buffer.concat([good, Buffer.alloc(1)]));
});

describe('a hostile file is refused before memory is taken for what it claims:', () => {
  const withHeader = (header: unknown, dataBytes = 32): Buffer => {
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
  };
  const sum = { dtype: 'U8', shape: [32], data_offsets: [0, 32] };
  const state = JSON.stringify({ format: 'dataref-state', version: 1 });
  const about = { format: 'dataref-onnx-checkpoint', version: '1', step: '1', state, model: '0'.repeat(64) };
  const metadata = { ...about, runtime: 'x', threads: '1' };
  const tensor = (shape: unknown, offsets: unknown, dtype = 'F32') => ({ dtype, shape, data_offsets: offsets });
  test.each([
    ['a header of 2^63 bytes', Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), Buffer.alloc(64)])],
    ['no JSON', withHeader('{"a":')],
    ['no metadata', withHeader({ sha256: sum })],
    ['no checksum', withHeader({ __metadata__: metadata, a: tensor([8], [0, 32]) })],
    ['an unknown dtype', withHeader({ __metadata__: metadata, a: tensor([8], [0, 32], 'F8_E4M3'), sha256: sum })],
    ['an array of 2^52 bytes', withHeader({ __metadata__: metadata, a: tensor([2 ** 50], [0, 2 ** 52]), sha256: sum })],
    [
      'an overlap',
      withHeader({ __metadata__: metadata, a: tensor([2], [0, 8]), sha256: { ...sum, data_offsets: [4, 36] } }),
    ],
    ['another format', withHeader({ __metadata__: { ...metadata, format: 'pt' }, sha256: sum })],
    ['a later version', withHeader({ __metadata__: { ...metadata, version: '2' }, sha256: sum })],
    ['a step that is no number', withHeader({ __metadata__: { ...metadata, step: '1e9' }, sha256: sum })],
    ['a model that is no hash', withHeader({ __metadata__: { ...metadata, model: 'x' }, sha256: sum })],
    ['no runtime', withHeader({ __metadata__: about, sha256: sum })],
    ['a state that is no JSON', withHeader({ __metadata__: { ...metadata, state: '['.repeat(1e5) }, sha256: sum })],
  ])('%s', (_, bytes) => refuses(bytes));
});
