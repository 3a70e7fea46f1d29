import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import * as tf from '@tensorflow/tfjs';
import { fromColumns, ndarray, type StreamState } from '@dataref/core';
import { loadCheckpoint, trainingLoop } from '@dataref/onnx';
import { loadCheckpoint as loadTfCheckpoint, saveCheckpoint as saveTfCheckpoint } from '@dataref/tfjs';
import { trainingBatches } from '../examples/mnist/dist/digits.js';
import { makeModel } from '../examples/mnist/dist/training.js';
import { models } from '../examples/mnist-onnx/dist/models.js';
import { sessionOptions } from '../examples/mnist-onnx/dist/training.js';

// The examples train on the same batches in the same order, so that what one has saved tells the other where to go on.
const STEPS = 5;
let folder: string;
const train = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: 400 * 784 }, (_, i) => (i * 7919) % 251),
    [400, 28, 28],
  ),
  label: Uint8Array.from({ length: 400 }, (_, i) => (i * 7) % 10),
});
let session: ort.InferenceSession;
/** Labels of the batches that come after the first ones. */
let next: number[][];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-mnist-'));
  session = await ort.InferenceSession.create(models.mlp.trainingGraph, sessionOptions);
  next = [];
  for await (const { columns } of trainingBatches(train).skip(STEPS).take(3)) next.push(Array.from(columns.label.data));
  await tf.setBackend('cpu');
});
afterAll(async () => {
  await session.release();
  rmSync(folder, { recursive: true, force: true });
});

const tfDataset = () =>
  trainingBatches(train).toTfDataset({
    columns: { xs: { column: 'image', dtype: 'float32', scale: 1 / 255 }, ys: { column: 'label', oneHot: 10 } },
  });

/** A loop of the onnxruntime example that notes the labels which it is fed. */
function onnxLoop(options: {
  readonly path?: string;
  readonly state?: StreamState | undefined;
  readonly steps: number;
}) {
  const { path, state, steps } = options;
  const fed: number[][] = [];
  const { inputMetadata, outputMetadata } = session;
  const run = (feeds: ort.InferenceSession.FeedsType, fetches: ort.InferenceSession.FetchesType) => {
    fed.push(Array.from(feeds['label']?.data as Uint8Array));
    return session.run(feeds, fetches);
  };
  const loop = trainingLoop({
    session: { inputMetadata, outputMetadata, run: run as ort.InferenceSession['run'] },
    ort,
    stream: trainingBatches(train).resume(state),
    parameters: models.mlp.initialState(1),
    learningRate: 0.003,
    steps,
    checkpoint: path === undefined ? undefined : { path, model: models.mlp.trainingGraph },
  });
  return { loop, fed };
}

test('a checkpoint of the TensorFlow.js example tells the onnxruntime one where to go on', async () => {
  const path = join(folder, 'tf.ckpt');
  const dataset = tfDataset();
  const model = makeModel();
  const iterator = await dataset.iterator();
  for (let step = 0; step < STEPS; step++) {
    const { value } = await iterator.next();
    await model.trainOnBatch(value.xs, value.ys);
    tf.dispose(value);
  }
  await saveTfCheckpoint(path, { model, state: dataset.state });
  const saved = await loadTfCheckpoint(path, { model: makeModel() });
  const { loop, fed } = onnxLoop({ state: saved?.state, steps: 3 });
  for await (const _ of loop);
  expect(fed).toEqual(next);
});

test('a checkpoint of the onnxruntime example tells the TensorFlow.js one where to go on', async () => {
  const path = join(folder, 'onnx.safetensors');
  const { loop } = onnxLoop({ path, steps: STEPS });
  for await (const _ of loop);
  const saved = await loadCheckpoint(path);
  expect(saved?.step).toBe(STEPS);
  const iterator = await tfDataset().resume(saved?.state).iterator();
  const labels: number[][] = [];
  for (let step = 0; step < 3; step++) {
    const { value } = await iterator.next();
    labels.push(Array.from(tf.argMax(value.ys, 1).dataSync()));
    tf.dispose(value);
  }
  expect(labels).toEqual(next);
});
