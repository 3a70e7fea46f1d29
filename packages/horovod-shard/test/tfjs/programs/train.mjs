// Trains an epoch with Adam under mpirun, tail included, and writes this rank's weights: `train.mjs FOLDER`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import '@dataref/tfjs';
import * as tf from '@tensorflow/tfjs';

const RECORDS = 1000;
const WIDTH = 16;
const data = fromColumns({
  xs: ndarray(
    Float32Array.from({ length: RECORDS * WIDTH }, (_, i) => Math.sin(i * 1.7)),
    [RECORDS, WIDTH],
  ),
  ys: ndarray(
    Float32Array.from({ length: RECORDS }, (_, i) => Math.cos(i * 0.3)),
    [RECORDS, 1],
  ),
});

await tf.setBackend('cpu');
const collective = await openMpi();
const { rank, size } = collective;
const kernelInitializer = tf.initializers.glorotUniform({ seed: rank + 1 }); // those of rank 0 count
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 32, activation: 'relu', inputShape: [WIDTH], kernelInitializer }),
    tf.layers.dense({ units: 1, kernelInitializer }),
  ],
});
const training = dataParallel({
  collective,
  model,
  optimizer: tf.train.adam(0.01),
  loss: ({ xs, ys }) => model.predict(xs).sub(ys).square().sum(1),
});
const batches = data
  .stream({ shuffle: true, shuffleSeed: 7, shardRank: rank, numShards: size })
  .globalBatch(60) // the last has 40
  .toTfDataset({ columns: { xs: 'xs', ys: 'ys' } });
let steps = 0;
for await (const batch of batches) {
  await training.step(batch);
  steps++;
}
const weights = model.getWeights().flatMap((weight) => [...weight.dataSync()]);
writeFileSync(join(process.argv[2], `rank-${rank}.json`), JSON.stringify({ rank, size, steps, weights }));
await collective.close();
