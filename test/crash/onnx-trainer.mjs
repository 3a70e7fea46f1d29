// Trains a small model with onnxruntime, from its checkpoint where there is one, and prints the hash of its state.
// usage: node onnx-trainer.mjs DATA CHECKPOINT EPOCHS mlp|cnn [STEP]; with STEP, it waits there for SIGTERM.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { FileStorage } from '@dataref/core/fs';
import { trainingLoop } from '@dataref/onnx';
import { adam, conv2d, dense, flatten, maxPool2d, relu, sequential, softmaxCrossEntropy } from '@dataref/onnx/graph';
import * as ort from 'onnxruntime-node';

const [directory, checkpoint, epochs, name, waitAt] = process.argv.slice(2);
const layers = {
  mlp: [flatten(), dense(16), relu(), dense(4)],
  cnn: [conv2d(4, 3, { padding: 'same' }), relu(), maxPool2d(2), flatten(), dense(4)],
};
const model = sequential({
  input: { name: 'x', shape: [1, 8, 8] },
  layers: layers[name],
  loss: softmaxCrossEntropy({ labels: 'y', dtype: 'uint8' }),
  optimizer: adam(),
});
const session = await ort.InferenceSession.create(model.trainingGraph, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
});
const train = await new FileStorage(directory).fetch('points', '1.0');
const loop = trainingLoop({
  session,
  ort,
  stream: train.stream({ shuffle: true, shuffleSeed: 5 }).batch(8),
  parameters: model.initialState(1),
  learningRate: ({ step }) => 0.01 / (1 + step / 100),
  epochs: Number(epochs),
  checkpoint: {
    path: checkpoint,
    model: model.trainingGraph,
    everySteps: 3,
    intraOpNumThreads: 1,
    signals: ['SIGTERM', 'SIGINT'],
  },
});
if (waitAt === undefined) process.send?.({ started: loop.step });
for await (const { step } of loop) {
  if (step === Number(waitAt)) {
    const signal = once(process, 'SIGTERM');
    process.channel?.ref(); // nothing else keeps a process that waits for a signal
    process.send?.({ waiting: step });
    await signal;
  }
  // The process must be killable between steps.
  if (step % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
}
await session.release();
if (loop.stoppedBy !== undefined) console.log(`stopped by ${loop.stoppedBy} after ${loop.step} steps`);
else {
  const hash = createHash('sha256');
  for (const { data } of Object.values(loop.parameters())) hash.update(data);
  console.log(hash.digest('hex'));
}
process.disconnect?.();
