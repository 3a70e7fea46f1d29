// Learns real MNIST digits with onnxruntime: a training step is a graph, made here, with no Python. Then the rehearsal of
// a bad day: the same training in a process that is killed in mid-epoch and started again ends with parameters equal to
// the bit. Last, the whole held-out set by the inference graph.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { progressBar } from '@dataref/core';
import { BATCH, openDigits } from '@dataref-examples/mnist/digits';
import { models, type ModelName } from './models.js';
import { rehearse } from './rehearsal.js';
import { hashOf, heldOutAccuracy, train } from './training.js';

const NAMES = Object.keys(models) as ModelName[];
const HELP = `npm start [-- options]
  --model NAME       ${NAMES.join(' or ')}; default: one after the other
  --epochs N         epochs to train, default 4
  --data DIRECTORY   where the digits and checkpoints go, default examples/mnist-onnx/data
  --no-rehearsal     only train
  --help`;

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    epochs: { type: 'string', default: '4' },
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
    'no-rehearsal': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const epochs = Number(values.epochs);
const names = NAMES.filter((name) => [undefined, name].includes(values.model as ModelName | undefined));
if (values.help || !Number.isInteger(epochs) || epochs < 1 || names.length === 0) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

const directory = values.data;
await mkdir(directory, { recursive: true });
const { stored, train: trainingSet, test } = await openDigits(directory);
console.log(stored);
console.log(`training on ${trainingSet.length} digits, ${test.length} held out`);
const steps = epochs * Math.ceil(trainingSet.length / BATCH);

for (const name of names) {
  const checkpoint = join(directory, `${name}.safetensors`);
  await rm(checkpoint, { force: true });
  let sum = 0;
  const trained = await train({
    name,
    train: trainingSet,
    epochs,
    checkpoint,
    everySteps: 100,
    onProgress: progressBar(name),
    onStep: ({ step, loss, metrics }) => {
      sum += metrics['accuracy'] as number;
      if (step % 100 !== 0) return;
      console.log(
        `${name}: step ${step} of ${steps}, loss ${loss.toFixed(4)}, accuracy of 100 steps ${(sum / 100).toFixed(4)}`,
      );
      sum = 0;
    },
  });
  if (!values['no-rehearsal']) await rehearsal(name, hashOf(trained));
  const accuracy = await heldOutAccuracy(name, trained, test);
  console.log(`${name}: held-out accuracy ${accuracy.toFixed(4)}, by the inference graph`);
}

async function rehearsal(name: ModelName, whole: string): Promise<void> {
  const killAt = 1 + Math.floor(Math.random() * (steps - 1));
  const options = {
    name,
    directory,
    checkpoint: join(directory, `${name}-rehearsal.safetensors`),
    epochs,
    everySteps: 50,
  };
  await rm(options.checkpoint, { force: true });
  console.log(`${name}: rehearsal, the same training in another process, SIGKILL after step ${killAt} …`);
  await rehearse(options, killAt, () => undefined);
  console.log(`${name}: killed; started again with the same command …`);
  const resumed = await rehearse(options, undefined, (step) => console.log(`${name}: went on with step ${step}`));
  console.log(`${name}: parameters of the run that nobody killed  ${whole}`);
  console.log(`${name}: parameters of the run that was killed     ${resumed}`);
  if (whole !== resumed) {
    console.error('they differ: this is a defect of DataRef');
    process.exit(1);
  }
  console.log(`${name}: equal to the bit`);
}
