// The training, on one rank or many: `node dist/train.js`, `mpirun -np 4 node dist/train.js`, under srun or torchrun. At
// SIGUSR1 or SIGTERM all ranks stop after the same step; started again, on any number of ranks, it goes on from there.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend } from '@dataref-examples/mnist/backend';
import { openDigits, SEED } from '@dataref-examples/mnist/digits';
import { coverageLog, detectWorld, onPreempt, openCollective } from '@dataref/horovod-shard';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import { lossesOf, makeModel } from './model.js';
import { Reporter } from './reporter.js';

const data = fileURLToPath(new URL('../data', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: data },
    checkpoint: { type: 'string', default: join(data, 'training.ckpt') },
    epochs: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
  },
});
const { checkpoint } = values;

const world = detectWorld();
const preemption = onPreempt();
const collective = await openCollective(); // MPI under mpirun, else TCP
await useBackend(undefined);
const { train } = await openDigits(values.data);
const { model, optimizer } = makeModel();
const training = dataParallel({ collective, model, optimizer, preemption, loss: (batch) => lossesOf(model, batch) });

// Only rank 0 needs the checkpoint's folder: weights, optimizer and state go to the others.
const saved = world.rank === 0 ? await loadCheckpoint(checkpoint, { model, optimizer }) : undefined;
const state = await training.broadcast(saved?.state);
const batches = train
  .stream({ shuffle: true, shuffleSeed: SEED, ...world.shard })
  .globalBatch(Number(values.batch))
  .resume(state);
// For the proof that each digit is seen once an epoch: a line for each step, of each rank.
const log = await coverageLog(`${checkpoint}.coverage`, { collective, step: optimizer.iterations });

const pids = await collective.allgather(Int32Array.of(process.pid));
const reporter = world.rank === 0 ? new Reporter(pids, optimizer.iterations) : undefined;
for (let isStopped = false; batches.epoch < Number(values.epochs) && !isStopped;) {
  for await (const batch of batches) {
    log.add(batch);
    const step = await training.step(batch);
    reporter?.made(step, batch.epoch);
    if (world.rank === 0 && optimizer.iterations % 50 === 0)
      await saveCheckpoint(checkpoint, { model, optimizer, state: batch.state });
    if ((isStopped = step.stop)) break;
  }
}
if (world.rank === 0) await saveCheckpoint(checkpoint, { model, optimizer, state: batches.state });
reporter?.ended();
log.close();
preemption.close();
await collective.close();
