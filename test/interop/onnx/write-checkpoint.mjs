// Trains a few steps, and writes the checkpoint and what Python must find in it.
// usage: node write-checkpoint.mjs FOLDER
import { mkdir, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { trainingLoop } from '@dataref/onnx';
import { adam, dense, relu, sequential, softmaxCrossEntropy } from '@dataref/onnx/graph';
import * as ort from 'onnxruntime-node';

const folder = process.argv[2];
await mkdir(folder, { recursive: true });
const model = sequential({
  input: { name: 'x', shape: [4] },
  layers: [dense(5), relu(), dense(3)],
  loss: softmaxCrossEntropy({ labels: 'y' }),
  optimizer: adam(),
});
const session = await ort.InferenceSession.create(model.trainingGraph, { intraOpNumThreads: 1 });
const x = ndarray(
  Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)),
  [30, 4],
);
const loop = trainingLoop({
  session,
  ort,
  stream: fromColumns({ x, y: Int32Array.from({ length: 30 }, (_, i) => i % 3) })
    .stream({ shuffle: true, shuffleSeed: 1 })
    .batch(8),
  parameters: model.initialState(1),
  learningRate: 0.01,
  steps: 6,
  checkpoint: { path: join(folder, 'run.safetensors'), model: model.trainingGraph, intraOpNumThreads: 1 },
});
let last;
for await (last of loop);
await session.release();
const parameters = Object.fromEntries(
  Object.entries(loop.parameters()).map(([name, { dtype, shape, data }]) => [
    name,
    { dtype, shape, bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex') },
  ]),
);
const expected = {
  parameters,
  state: last.state,
  step: String(last.step),
  model: createHash('sha256').update(model.trainingGraph).digest('hex'),
  runtime: `onnxruntime-node ${ort.env.versions.node}`,
  threads: '1',
};
await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
