// A training that begins on two workers, is preempted in the middle of an epoch and ends on three, beside one in a single
// process: the same weights.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend } from '@dataref-examples/mnist/backend';
import { openDigits } from '@dataref-examples/mnist/digits';
import { loadCheckpoint } from '@dataref/tfjs';
import { launcher, runJob } from './job.js';
import { accuracyOf, distance, makeModel } from './model.js';
import { EVERY } from './reporter.js';

const HELP = `npm start [-- options]
  --epochs N         epochs to train, default 2
  --batch N          records of a global batch, default 64
  --before N         workers until the preemption, default 2
  --after N          workers from then on, default 3
  --data DIRECTORY   where the digits and checkpoints go, default examples/mnist-distributed/data
  --help`;

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    before: { type: 'string', default: '2' },
    after: { type: 'string', default: '3' },
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
});
const { data, ...given } = values;
const [epochs, batch, before, after] = [given.epochs, given.batch, given.before, given.after].map(Number) as [
  number,
  number,
  number,
  number,
];
const isRight = [epochs, batch, before, after].every((count) => Number.isInteger(count) && count > 0);
if (values.help || !isRight) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

await mkdir(data, { recursive: true });
await useBackend(undefined);
const { train, test } = await openDigits(data);
const steps = Math.ceil(train.length / batch);
console.log(`${train.length} digits, ${steps} steps an epoch; several workers are started by ${launcher}`);

const jobOf = async (name: string) => {
  const checkpoint = join(data, `${name}.ckpt`);
  await rm(checkpoint, { force: true });
  return {
    checkpoint,
    args: ['--data', data, '--checkpoint', checkpoint, '--epochs', given.epochs, '--batch', given.batch],
  };
};
const distributed = await jobOf('distributed');
await runJob(before, distributed.args, Math.floor(((epochs - 0.5) * steps) / EVERY) * EVERY);
await runJob(after, distributed.args);
const alone = await jobOf('alone');
await runJob(1, alone.args);

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
