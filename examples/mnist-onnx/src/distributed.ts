// One CNN, learned by as many processes as mpirun starts. It goes on from its checkpoint, with as many as there are then.
// usage: npm run build; mpirun -np 2 node dist/distributed.js [--epochs N] [--data DIRECTORY]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BATCH, openDigits, SEED } from '@dataref-examples/mnist/digits';
import { onPreempt } from '@dataref/horovod-shard';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { dataParallel } from '@dataref/horovod-shard/onnx';
import { loadCheckpoint, saveCheckpoint } from '@dataref/onnx';
import * as ort from 'onnxruntime-node';
import { models } from './models.js';
import { hashOf, heldOutAccuracy, sessionOptions } from './training.js';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '2' },
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
  },
});
const epochs = Number(values.epochs);
const checkpoint = join(values.data, 'distributed.safetensors');

const preemption = onPreempt(); // SIGTERM or SIGUSR1 to any process stops all of them after the same step
const collective = await openMpi();
const { rank, size } = collective;
const say = rank === 0 ? console.log : () => undefined;
await mkdir(values.data, { recursive: true });
const digits = await openDigits(values.data);
const { gradientGraph, updateGraph, trainingGraph: model, initialState } = models.cnn;
const gradientSession = await ort.InferenceSession.create(gradientGraph, sessionOptions);
const updateSession = await ort.InferenceSession.create(updateGraph, sessionOptions);

const saved = rank === 0 ? await loadCheckpoint(checkpoint) : undefined; // the others are given it
const parameters = saved?.parameters ?? initialState(1);
const training = dataParallel({ collective, ort, gradientSession, updateSession, parameters, preemption });
const from = await training.broadcast(saved && { state: saved.state, step: saved.step });
const feeds = digits.train
  .stream({ shuffle: true, shuffleSeed: SEED, shardRank: rank, numShards: size })
  .globalBatch(BATCH * 2) // of all ranks together, however many there are
  .toOrtFeeds({ session: gradientSession, ort, reuseBuffers: true })
  .resume(from?.state);

let step = from?.step ?? 0;
say(`${size} processes, from step ${step}`);
let isStopped = false;
while (feeds.epoch < epochs && !isStopped) {
  for await (const batch of feeds) {
    const { loss, metrics, stop } = await training.step(batch, 0.003 * 0.6 ** batch.epoch);
    isStopped = stop;
    step++;
    if (step % 50 === 0) say(`step ${step}, loss ${loss.toFixed(4)}, accuracy ${metrics['accuracy']?.toFixed(4)}`);
    const isLast = batch.state.epoch === epochs;
    if (rank === 0 && (stop || isLast || step % 100 === 0)) {
      const parts = { parameters: training.parameters(), state: batch.state, step };
      await saveCheckpoint(checkpoint, { ...parts, model, ort, intraOpNumThreads: 1 });
    }
    if (stop) break;
  }
}
const trained = training.parameters();
if (isStopped) say(`stopped after step ${step}`);
else if (rank === 0) say(`held-out accuracy ${(await heldOutAccuracy('cnn', trained, digits.test)).toFixed(4)}`);
console.log(`rank ${rank}: ${hashOf(trained)}`);
await Promise.all([gradientSession.release(), updateSession.release()]);
await collective.close();
preemption.close();
