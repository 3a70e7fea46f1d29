// Learns real MNIST digits from a stored, fully shuffled dataset. Then the rehearsal of a bad day: the same training in
// a process that is killed in mid-epoch and started again ends with weights equal to the bit.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BACKENDS, useBackend, type Backend } from './backend.js';
import { curveSvg, type CurvePoint } from './curve.js';
import { BATCH, openDigits } from './digits.js';
import { rehearse } from './rehearsal.js';
import { trainingBar } from './terminal.js';
import { heldOutAccuracy, train, weightsHash } from './training.js';

const HELP = `npm start [-- options]
  --epochs N         epochs to train, default 5
  --start-half       begin in the middle of the first epoch, as the walkthrough of YogaDL does
  --backend NAME     ${BACKENDS.join(', ')}; default: the first of them that works
  --data DIRECTORY   where the digits, checkpoints and the curve go, default examples/mnist/data
  --no-rehearsal     only train
  --help`;

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '5' },
    'start-half': { type: 'boolean', default: false },
    backend: { type: 'string' },
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
    'no-rehearsal': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const epochs = Number(values.epochs);
if (
  values.help ||
  !Number.isInteger(epochs) ||
  epochs < 1 ||
  ![undefined, ...BACKENDS].includes(values.backend as Backend)
) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

const directory = values.data;
await mkdir(directory, { recursive: true });
const backend = await useBackend(values.backend as Backend | undefined);
const { stored, train: trainingSet, test } = await openDigits(directory);
console.log(stored);
console.log(`training on ${trainingSet.length} digits, ${test.length} held out; TensorFlow.js backend: ${backend}`);

const stepsPerEpoch = Math.ceil(trainingSet.length / BATCH);
const startOffset = values['start-half'] ? Math.floor(stepsPerEpoch / 2) * BATCH : 0;
if (startOffset > 0) console.log(`starting at record ${startOffset} of the first epoch: its second half`);
const points: CurvePoint[] = [];
const showStep = trainingBar(epochs, stepsPerEpoch, BATCH);
const checkpoint = join(directory, 'training.ckpt');
await rm(checkpoint, { force: true });
const model = await train({
  train: trainingSet,
  epochs,
  checkpoint,
  everyBatches: 100,
  startOffset,
  onStep: (report) => {
    points.push({ step: points.length + 1, loss: report.loss, accuracy: report.accuracy });
    showStep(report);
  },
});
const accuracy = await heldOutAccuracy(model, test);
console.log(`held-out accuracy ${accuracy.toFixed(4)}`);
await writeFile(join(directory, 'curve.svg'), curveSvg(points, `MNIST, ${epochs} epochs, ${backend}`));
console.log(`loss and accuracy: ${join(directory, 'curve.svg')}`);

if (!values['no-rehearsal'] && startOffset === 0) {
  const killAt = { epoch: random(epochs), batch: random(stepsPerEpoch - 1) };
  const options = { directory, checkpoint: join(directory, 'rehearsal.ckpt'), epochs, everyBatches: 50, backend };
  await rm(options.checkpoint, { force: true });
  console.log(
    `rehearsal: the same training in another process, SIGKILL after step ${killAt.batch + 1} of epoch ${killAt.epoch + 1} …`,
  );
  await rehearse(options, killAt, () => undefined);
  console.log('killed; started again with the same command …');
  const resumed = await rehearse(options, undefined, (epoch) =>
    console.log(`resumed from its checkpoint in epoch ${epoch + 1}`),
  );
  const whole = weightsHash(model);
  console.log(`weights of the run that nobody killed  ${whole}`);
  console.log(`weights of the run that was killed     ${resumed}`);
  if (whole !== resumed) {
    console.error('they differ: this is a defect of DataRef');
    process.exit(1);
  }
  console.log('equal to the bit');
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
