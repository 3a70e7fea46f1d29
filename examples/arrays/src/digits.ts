// Images in chunks of jpeg: stored, browsed by slices, and learned from by a process that is killed and started again.
import { fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openArrays, slice } from '@dataref/arrays';
import { FileStorage } from '@dataref/core/fs';
import { readDigits } from './npm-digits.js';
import { STEPS, STEPS_OF_CHECKPOINT } from './steps.js';

const directory = process.argv[2] ?? fileURLToPath(new URL('../data/digits', import.meta.url));
await rm(directory, { recursive: true, force: true });
const arrays = openArrays(new FileStorage(directory));

const { pixels, labels } = await readDigits();
const count = labels.length;
const image = await arrays.array('mnist/train:images', {
  shape: [count, 28, 28],
  chunk: [100, 28, 28],
  dtype: 'uint8',
  compress: { codec: 'jpeg', level: 95 }, // the quality; 'png' where nothing may be lost
});
const label = await arrays.array('mnist/train:labels', { shape: [count], chunk: [1000], dtype: 'uint8' });
await Promise.all([image.set([], pixels), label.set([], labels)]);
const ds = await arrays.dataset('mnist/train', { image, label });
console.log(`${ds.length} digits in ${Math.ceil(count / 100)} chunks of jpeg`);

const near = await image.get([slice(0, 200)]);
const error = near.data.reduce((sum, value, i) => sum + Math.abs(value - (pixels[i] as number)), 0) / near.data.length;
console.log(`jpeg moved the first 200 by ${error.toFixed(2)} of 255 on average`);

console.log('every 1,500th digit, every other row and column of it:');
const some = slice(0, count, 1500);
const { data, shape } = await image.get([some, slice(4, 24, 2), slice(0, 28, 2)]);
const [digits, rows, columns] = shape as [number, number, number];
for (let row = 0; row < rows; row++) {
  const line = Array.from({ length: digits }, (_, digit) => {
    const start = (digit * rows + row) * columns;
    return Array.from(data.subarray(start, start + columns), (value) => ' .:*#'[Math.floor(value / 52)]).join('');
  });
  console.log(line.join('').trimEnd());
}
console.log(`their labels: ${Array.from((await label.get([some])).data).join(', ')}`);

const whole = await losses('whole.ckpt');
console.log(`loss of step 1: ${whole[0]?.toFixed(4)}, of step ${STEPS}: ${whole[STEPS - 1]?.toFixed(4)}`);
const killAfter = STEPS_OF_CHECKPOINT + Math.floor(Math.random() * (STEPS - STEPS_OF_CHECKPOINT));
const killed = await losses('killed.ckpt', killAfter);
const resumed = await losses('killed.ckpt');
const first = resumed.findIndex((loss) => loss !== undefined);
console.log(`killed by SIGKILL after step ${killAfter}, started again: it went on with step ${first + 1}`);
// What was done again after the kill counts as well as what was done before it.
const isEqual = whole.every((loss, step) =>
  [killed[step] ?? loss, resumed[step] ?? loss].every((other) => other === loss),
);
const isComplete = whole.length === STEPS && resumed.length === STEPS && killed.length >= first;
if (!isEqual || !isComplete) throw new Error('the losses differ: this is a defect of DataRef');
console.log(`all ${STEPS} losses are equal to the bit`);

/** Losses by step of a training process, of the steps that it made. @param mostSteps after which it is killed */
function losses(checkpoint: string, mostSteps?: number): Promise<(number | undefined)[]> {
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  const child = fork(worker, [directory, join(directory, checkpoint)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const seen: (number | undefined)[] = [];
  child.on('message', ({ step, loss }: { readonly step: number; readonly loss: number }) => {
    seen[step] = loss;
    if (step + 1 === mostSteps) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 || (signal === 'SIGKILL' && mostSteps !== undefined)) resolve(Array.from(seen));
      else reject(new Error(`the training process ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
