import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { ndarray } from '@dataref/core';
import { loadCheckpoint, saveCheckpoint, type CheckpointParts } from '@dataref/onnx/pure';
import { bitsOf, loopOf, mlp, openSession, stepsOf, stream } from './points.js';

let folder: string;
let session: ort.InferenceSession;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataref-onnx-'));
  session = await openSession(mlp);
});
afterAll(async () => {
  await session.release();
  await rm(folder, { recursive: true, force: true });
});

const model = mlp.trainingGraph;
const parts = (): CheckpointParts => ({
  parameters: mlp.initialState(1),
  state: stream().state,
  step: 0,
  model,
  ort,
  intraOpNumThreads: 1,
});

test('a training loop goes on from what a loop of one’s own has saved, to the bit', async () => {
  const path = join(folder, 'new', 'own.safetensors');
  const whole = loopOf(session);
  const steps = await stepsOf(whole);
  const part = loopOf(session, { steps: 9 });
  await stepsOf(part);
  await saveCheckpoint(path, { ...parts(), parameters: part.parameters(), state: part.state, step: part.step });
  expect(await loadCheckpoint(path)).toMatchObject({ step: 9, state: part.state, epoch: 1, threads: '1' });
  const rest = loopOf(session, { checkpoint: { path, model, intraOpNumThreads: 1 } });
  expect(await stepsOf(rest)).toEqual(steps.slice(9));
  expect(bitsOf(rest.parameters())).toEqual(bitsOf(whole.parameters()));
});

test('parameters that are not finite are refused, and leave the file as it was', async () => {
  const path = join(folder, 'finite.safetensors');
  await saveCheckpoint(path, parts());
  const before = await loadCheckpoint(path);
  const parameters = { ...mlp.initialState(1), 'dense1.bias': ndarray(new Float32Array(6).fill(NaN), [6]) };
  await expect(saveCheckpoint(path, { ...parts(), parameters, step: 5 })).rejects.toMatchObject({
    code: 'NOT_FINITE',
    details: { step: 5, name: 'dense1.bias' },
  });
  expect(await loadCheckpoint(path)).toEqual(before);
});

test('a file is loaded for the model that it is of, or the list of graphs, and for no other', async () => {
  const path = join(folder, 'model.safetensors');
  const { gradientGraph, updateGraph } = mlp;
  const mismatch = {
    code: 'STATE_MISMATCH',
    message: expect.stringMatching(/model\.safetensors was made by another model/u),
  };
  await saveCheckpoint(path, parts());
  expect(await loadCheckpoint(path, { model })).toMatchObject({ step: 0 });
  expect(await loadCheckpoint(path, { model: [model] })).toMatchObject({ step: 0 });
  await expect(loadCheckpoint(path, { model: gradientGraph })).rejects.toMatchObject(mismatch);
  await saveCheckpoint(path, { ...parts(), model: [gradientGraph, updateGraph] });
  expect(await loadCheckpoint(path, { model: [gradientGraph, updateGraph] })).toMatchObject({ step: 0 });
  const changed = Uint8Array.from(updateGraph, (byte, i) => (i === 99 ? byte ^ 1 : byte));
  await expect(loadCheckpoint(path, { model: [gradientGraph, changed] })).rejects.toMatchObject(mismatch);
  await expect(loadCheckpoint(path, { model: gradientGraph })).rejects.toMatchObject(mismatch);
  expect(await loadCheckpoint(join(folder, 'none'), { model })).toBeUndefined();
});

test.each([
  [null, /options must be an object/u],
  [{ modle: 1 }, /unknown option "modle"; there are model/u],
  [{ model: [] }, /model must be the bytes of a graph/u],
  [{ model: 'step.onnx' }, /model must be the bytes of a graph/u],
])('loadCheckpoint refuses %j', async (options, message) => {
  await expect(loadCheckpoint(join(folder, 'no'), options as never)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  });
});

test.each([
  [{ parameters: undefined }, /parameters must be an object of NDArrays/u],
  [{ parameters: { w: new Float32Array(3) } }, /parameters\.w must be an NDArray/u],
  [{ parameters: { w: { dtype: 'float32', shape: [4], data: new Float32Array(3) } } }, /parameters\.w must be/u],
  [{ parameters: { w: { dtype: 'complex', shape: [3], data: new Float32Array(3) } } }, /parameters\.w must be/u],
  [{ state: undefined }, /state is missing/u],
  [{ step: -1 }, /step must be an integer/u],
  [{ model: 'step.onnx' }, /model must be the bytes/u],
  [{ model: [] }, /model must be the bytes/u],
  [{ ort: undefined }, /ort must be the onnxruntime/u],
  [{ intraOpNumThreads: 0.5 }, /intraOpNumThreads must be/u],
  [{ stpe: 1 }, /stpe/u],
])('%j is refused', async (wrong, message) => {
  await expect(saveCheckpoint(join(folder, 'no'), { ...parts(), ...wrong } as CheckpointParts)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  });
});
