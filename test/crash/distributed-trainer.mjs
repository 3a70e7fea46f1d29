// One rank of a training by several, which goes on from its checkpoint where there is one. Says every step that it has
// made. Signals stop it after a step; rank 0 writes a checkpoint every EVERY steps, and at the end WEIGHTS as JSON.
// usage: mpirun -np N node distributed-trainer.mjs CHECKPOINT LOGS WEIGHTS EPOCHS EVERY
import { writeFileSync } from 'node:fs';
import { fromColumns, ndarray } from '@dataref/core';
import { coverageLog, onPreempt } from '@dataref/horovod-shard';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import * as tf from '@tensorflow/tfjs';

const [checkpoint, logs, weightsPath, epochs, every] = process.argv.slice(2);
const preemption = onPreempt();
const collective = await openMpi();
const { rank, size } = collective;
const say = (text) => process.stdout.write(`rank ${rank} pid ${process.pid} ${text}\n`);

await tf.setBackend('cpu');
const kernelInitializer = (seed) => tf.initializers.glorotUniform({ seed });
const model = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [6], units: 5, activation: 'tanh', kernelInitializer: kernelInitializer(1) }),
    tf.layers.dense({ units: 1, kernelInitializer: kernelInitializer(2) }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
const data = fromColumns({
  x: ndarray(
    Float32Array.from({ length: 50 * 6 }, (_, i) => Math.sin(i * 12.9898)),
    [50, 6],
  ),
  y: Float32Array.from({ length: 50 }, (_, i) => Math.cos(i * 1.7)),
});
const stream = data
  .stream({ shuffle: true, shuffleSeed: 5, shardRank: rank, numShards: size })
  .globalBatch(7, { remainder: 'keep' });
const saved = await loadCheckpoint(checkpoint, { model });
stream.resume(saved?.state);
let step = saved?.step ?? 0;
const log = await coverageLog(logs, { collective, step });
const trainer = dataParallel({
  collective,
  model,
  preemption,
  loss: ({ columns: { x, y } }) =>
    tf.squaredDifference(model.predict(tf.tensor(x.data, x.shape)).flatten(), tf.tensor(y.data)),
});

say(`step ${step}`);
let isStopped = false;
while (stream.epoch < Number(epochs) && !isStopped) {
  for await (const batch of stream) {
    log.add(batch);
    isStopped = (await trainer.step(batch)).stop;
    step++;
    const isLast = batch.state.epoch === Number(epochs);
    if (rank === 0 && (isStopped || isLast || step % Number(every) === 0))
      await saveCheckpoint(checkpoint, { model, state: batch.state });
    say(`step ${step}`);
    if (isStopped) break;
  }
}
log.close();
if (!isStopped) {
  const weights = Float32Array.from(model.getWeights().flatMap((weight) => Array.from(weight.dataSync())));
  const ofRoot = await collective.broadcast(weights.slice());
  if (!Buffer.from(ofRoot.buffer).equals(Buffer.from(weights.buffer))) throw new Error('the ranks have other weights');
  if (rank === 0) writeFileSync(weightsPath, JSON.stringify(Array.from(weights)));
}
await collective.close();
