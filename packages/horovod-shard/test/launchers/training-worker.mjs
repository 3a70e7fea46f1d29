// Trains a convolution by Adam for whole epochs, tails included, under whatever launcher there is, with a log of what this
// rank is given; leaves what it ends with, and the log, in a folder.
// usage: training-worker.mjs FOLDER
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { coverageLog, detectWorld, openCollective } from '@dataref/horovod-shard';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import * as tf from '@tensorflow/tfjs';

const RECORDS = 200;
const EPOCHS = 2;
const SIDE = 8;
const data = fromColumns({
  image: ndarray(
    Float32Array.from({ length: RECORDS * SIDE ** 2 }, (_, i) => Math.sin(i * 12.9898)),
    [RECORDS, SIDE, SIDE, 1],
  ),
  label: Int32Array.from({ length: RECORDS }, (_, i) => (i * i) % 7),
});

const [folder] = process.argv.slice(2);
const { rank, size, launcher, shard } = detectWorld();
const collective = await openCollective();
await tf.setBackend('cpu');
const kernelInitializer = tf.initializers.glorotUniform({ seed: rank + 1 }); // those of rank 0 count
const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [SIDE, SIDE, 1], filters: 4, kernelSize: 3, activation: 'relu', kernelInitializer }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 7, activation: 'softmax', kernelInitializer }),
  ],
});
const training = dataParallel({
  collective,
  model,
  optimizer: tf.train.adam(0.01),
  loss: ({ columns: { image, label } }) =>
    tf.metrics.categoricalCrossentropy(
      tf.oneHot(tf.tensor1d(label.data, 'int32'), 7),
      model.predict(tf.tensor(image.data, image.shape)),
    ),
});
const log = await coverageLog(join(folder, 'coverage'), { collective, step: 0 });
let steps = 0;
// The last of an epoch has eight records.
for await (const batch of data
  .stream({ shuffle: true, shuffleSeed: 7, ...shard })
  .globalBatch(24)
  .repeat(EPOCHS)) {
  log.add(batch);
  await training.step(batch);
  steps++;
}
log.close();
const weights = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
const end = { rank, size, launcher, engine: 'allreduceSync' in collective ? 'mpi' : 'tcp', steps, weights };
writeFileSync(join(folder, `rank-${rank}.json`), JSON.stringify(end));
await collective.close();
