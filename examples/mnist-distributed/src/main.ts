// A training that begins on two workers and is preempted, goes on with three of which one is killed in the middle of an
// epoch, and ends on two, beside one in a single process: the same weights, and every digit seen once an epoch.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend } from '@dataref-examples/mnist/backend';
import { openDigits } from '@dataref-examples/mnist/digits';
import { proveCoverage, readCoverageLogs } from '@dataref/horovod-shard';
import { loadCheckpoint } from '@dataref/tfjs';
import { mpirunHere, runJob } from './job.js';
import { accuracyOf, distance, makeModel } from './model.js';
import { EVERY } from './reporter.js';

const HELP = `npm start [-- options]
  --epochs N         epochs to train, default 2
  --batch N          records of a global batch, default 64
  --workers A,B,C    workers until the preemption, until the kill, and from then on, default 2,3,2
  --tcp              plain processes that meet over TCP, where there is mpirun too
  --data DIRECTORY   where the digits and checkpoints go, default examples/mnist-distributed/data
  --help`;

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    workers: { type: 'string', default: '2,3,2' },
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
    tcp: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const { data, ...given } = values;
const [epochs, batch] = [Number(given.epochs), Number(given.batch)];
const workers = given.workers.split(',').map(Number);
const [first, second, third] = workers as [number, number, number];
const isRight = workers.length === 3 && [epochs, batch, ...workers].every((n) => Number.isInteger(n) && n > 0);
if (values.help || !isRight) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

await mkdir(data, { recursive: true });
await useBackend(undefined);
const { train, test } = await openDigits(data);
const steps = Math.ceil(train.length / batch);
const mpirun = values.tcp ? undefined : mpirunHere();
console.log(
  `${train.length} digits, ${steps} steps an epoch; several workers are ${mpirun === undefined ? 'plain processes that meet over TCP' : 'started by mpirun'}`,
);

const jobOf = async (name: string) => {
  const checkpoint = join(data, `${name}.ckpt`);
  await rm(checkpoint, { force: true });
  await rm(`${checkpoint}.coverage`, { recursive: true, force: true });
  return {
    checkpoint,
    args: ['--data', data, '--checkpoint', checkpoint, '--epochs', given.epochs, '--batch', given.batch],
  };
};
const distributed = await jobOf('distributed');
const middle = (epochs - 0.5) * steps; // of the last epoch
const reported = (step: number) => Math.max(1, Math.floor(step / EVERY)) * EVERY;
await runJob(mpirun, first, distributed.args, { signal: 'SIGUSR1', step: reported(middle / 2) });
await runJob(mpirun, second, distributed.args, { signal: 'SIGKILL', step: reported(middle) });
await runJob(mpirun, third, distributed.args);
const alone = await jobOf('alone');
await runJob(mpirun, 1, alone.args);

const logs = await readCoverageLogs(`${distributed.checkpoint}.coverage`);
const proven = await proveCoverage(logs, { length: train.length, epochs });
console.log(
  `every digit was seen once an epoch, in ${proven.steps} steps of ${proven.runs} runs; ${proven.voidSteps} steps were lost by the kill, and made again`,
);

const modelOf = async (checkpoint: string) => {
  const made = makeModel();
  await loadCheckpoint(checkpoint, made);
  return made.model;
};
const many = await modelOf(distributed.checkpoint);
const one = await modelOf(alone.checkpoint);
const away = distance(many, one);
console.log(
  `held-out accuracy ${(await accuracyOf(many, test)).toFixed(4)}, of one process ${(await accuracyOf(one, test)).toFixed(4)}`,
);
console.log(`weights differ from those of one process by ${away.toExponential(1)} at most`);
if (!(away < 1e-5)) {
  console.error('that is more than rounding: this is a defect of DataRef');
  process.exit(1);
}
