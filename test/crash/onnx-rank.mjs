// One rank of a training with onnxruntime by several, which goes on from its checkpoint where there is one. Says every step
// that it has made, and the hash of its state at its end. SIGUSR1 to any rank stops all after a step.
// usage: mpirun -np N node onnx-rank.mjs CHECKPOINT EPOCHS EVERY
import { createHash } from 'node:crypto';
import { onPreempt } from '@dataref/horovod-shard';
import { dataParallel } from '@dataref/horovod-shard/onnx';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { loadCheckpoint, saveCheckpoint, toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { BATCH, network, points, rateAt, STREAM, threads } from './onnx-points.mjs';

const [checkpoint, epochs, every] = process.argv.slice(2);
const preemption = onPreempt();
const collective = await openMpi();
const { rank, size } = collective;
const say = (text) => process.stdout.write(`rank ${rank} pid ${process.pid} ${text}\n`);

const gradientSession = await ort.InferenceSession.create(network.gradientGraph, threads);
const updateSession = await ort.InferenceSession.create(network.updateGraph, threads);
const saved = rank === 0 ? await loadCheckpoint(checkpoint, { model: network.trainingGraph }) : undefined;
const trainer = dataParallel({
  collective,
  ort,
  gradientSession,
  updateSession,
  parameters: saved?.parameters ?? network.initialState(1 + rank), // those of rank 0 count
  preemption,
});
const from = await trainer.broadcast(saved && { state: saved.state, step: saved.step });
const stream = points.stream({ ...STREAM, shardRank: rank, numShards: size }).globalBatch(BATCH);
const feeds = toOrtFeeds(stream, { session: gradientSession, ort, maskInput: 'mask' }).resume(from?.state);
let step = from?.step ?? 0;
let isStopped = false;
say(`step ${step}`);
while (feeds.epoch < Number(epochs) && !isStopped) {
  for await (const batch of feeds) {
    isStopped = (await trainer.step(batch, rateAt(step))).stop;
    step++;
    const isLast = batch.state.epoch === Number(epochs);
    if (rank === 0 && (isStopped || isLast || step % Number(every) === 0))
      await saveCheckpoint(checkpoint, {
        parameters: trainer.parameters(),
        state: batch.state,
        step,
        model: network.trainingGraph,
        ort,
        intraOpNumThreads: 1,
      });
    say(`step ${step}`);
    if (isStopped) break;
  }
}
const hash = createHash('sha256');
for (const { data } of Object.values(trainer.parameters())) hash.update(data);
say(`hash ${hash.digest('hex')}`);
await Promise.all([gradientSession.release(), updateSession.release()]);
await collective.close();
preemption.close();
