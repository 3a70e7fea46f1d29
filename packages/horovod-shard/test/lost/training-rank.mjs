// One rank of a training over TCP, of DATAREF_RANK and so on, which goes on from rank 0's checkpoint. At FAULT "memory" rank 1
// takes all the memory that it may have in its loss of the fourth step. Says what it ends with, or the code of what ended it.
// usage: training-rank.mjs FOLDER [FAULT]
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { coverageLog, detectWorld, openCollective } from '@dataref/horovod-shard';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';

// Not imported: Node would search megabytes of its source for the names that it exports, most of what a start takes.
const tf = createRequire(import.meta.url)('@tensorflow/tfjs');
const [folder, fault] = process.argv.slice(2);
const checkpoint = join(folder, 'training.ckpt');
const EPOCHS = 2;
const numbers = fromColumns({
  x: ndarray(
    Float32Array.from({ length: 400 * 3 }, (_, i) => Math.sin(i * 12.9898)),
    [400, 3],
  ),
});

await tf.setBackend('cpu');
const { rank, shard } = detectWorld();
const collective = await openCollective();
const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
const optimizer = tf.train.adam(0.01);
const loss = ({ columns: { x } }) => {
  if (fault === 'memory' && rank === 1 && optimizer.iterations === 3)
    for (const held = []; ;) held.push(new Array(1e6).fill(0));
  return model.predict(tf.tensor(x.data, x.shape)).square().flatten();
};
const training = dataParallel({ collective, model, optimizer, loss });
try {
  const saved = rank === 0 ? await loadCheckpoint(checkpoint, { model, optimizer }) : undefined;
  const state = await training.broadcast(saved?.state);
  const stream = numbers
    .stream({ shuffle: true, shuffleSeed: 3, ...shard })
    .globalBatch(32)
    .resume(state);
  const log = await coverageLog(join(folder, 'coverage'), { collective, step: optimizer.iterations });
  while (stream.epoch < EPOCHS)
    for await (const batch of stream) {
      log.add(batch);
      await training.step(batch);
      if (rank === 0) await saveCheckpoint(checkpoint, { model, optimizer, state: batch.state });
    }
  console.log(`trained ${optimizer.iterations} steps`);
} catch (error) {
  console.log(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
await collective.close();
