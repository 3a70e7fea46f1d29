// Trains a small model on a stored dataset, from its checkpoint where there is one, and prints the weights' hash.
// usage: node trainer.mjs DATA CHECKPOINT EPOCHS
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { checkpoints, loadCheckpoint } from '@dataref/tfjs';
import { FileStorage } from '@dataref/core/fs';

// Not imported: Node would search megabytes of its source for the names that it exports, most of what a start takes.
const tf = createRequire(import.meta.url)('@tensorflow/tfjs');
const [directory, checkpoint, epochs] = process.argv.slice(2);
await tf.setBackend('cpu');
const model = tf.sequential({
  layers: [
    tf.layers.dense({
      inputShape: [16],
      units: 8,
      activation: 'relu',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
    }),
    tf.layers.dense({
      units: 4,
      activation: 'softmax',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
    }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
const train = await new FileStorage(directory).fetch('points', '1.0');
const dataset = train
  .stream({ shuffle: true, shuffleSeed: 5 })
  .map((record, { random }) => ({ ...record, weight: random() }))
  .batch(8)
  .toTfDataset({ columns: { xs: { column: 'x', dtype: 'float32' }, ys: { column: 'y', oneHot: 4 } } });
const saved = await loadCheckpoint(checkpoint, { model, dataset });
process.send?.({ started: saved?.step ?? 0 });
await model.fitDataset(dataset, {
  epochs: Number(epochs),
  initialEpoch: saved?.epoch ?? 0,
  verbose: 0,
  callbacks: [
    checkpoints(checkpoint, { model, dataset }, { everyBatches: 3 }),
    // The process must be killable between steps: tfjs on cpu hardly ever leaves the thread.
    { onBatchEnd: () => new Promise((resolve) => setImmediate(resolve)) },
  ],
});
const hash = createHash('sha256');
for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().slice().buffer));
console.log(hash.digest('hex'));
process.exit(0);
