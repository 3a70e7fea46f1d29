// The MLP of examples/mnist-onnx (784, 128, 10; Adam), its data as the example has them, stored, and the same in memory.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { adam, dense, flatten, relu, sequential, softmaxCrossEntropy } from '@dataref/onnx/graph';
import { BATCH, labels, pixels, RECORDS } from './onnx-batches.mjs';

const model = sequential({
  input: { name: 'image', dtype: 'uint8', shape: [28, 28], scale: 1 / 255 },
  layers: [flatten(), dense(128), relu(), dense(10)],
  loss: softmaxCrossEntropy({ labels: 'label', dtype: 'uint8' }),
  optimizer: adam(),
});

const inMemory = fromColumns({ image: ndarray(pixels, [RECORDS, 28, 28]), label: Uint8Array.from(labels) });
const batchesOf = (data) => data.stream({ shuffle: true, shuffleSeed: 1 }).batch(BATCH, { remainder: 'drop' });

/** The session, a step of it, and its batches. */
export async function openMlp({ InferenceSession, Tensor }, options) {
  const session = await InferenceSession.create(model.trainingGraph, options);
  // Nothing is learned: once digits are known by heart, gradients are so small that their arithmetic takes three times as long.
  const lr = new Tensor('float32', [0], []);
  const initial = Object.entries(model.initialState(1));
  let state = Object.fromEntries(initial.map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]));
  const step = async (feeds) => {
    const outputs = await session.run({ ...feeds, ...state, lr });
    state = Object.fromEntries(initial.map(([name]) => [name, outputs[`${name}.out`]]));
    if (!Number.isFinite(outputs.loss.data[0])) throw new Error('the loss is no number');
  };
  const folder = await mkdtemp(join(tmpdir(), 'dataref-bench-'));
  const digits = await new FileStorage(folder).cacheable('digits', '1.0', async () => inMemory);
  const { train } = digits.split({ train: 0.9, test: 0.1 }, { seed: 42 });
  const close = async () => {
    await session.release();
    await rm(folder, { recursive: true });
  };
  return { session, step, stored: () => batchesOf(train), inMemory: () => batchesOf(inMemory), close };
}
