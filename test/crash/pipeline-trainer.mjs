// Trains a small model on a pipeline with filter, mix, a map in worker threads and prefetch, from its checkpoint where there is one, and prints the weights' hash.
// usage: node pipeline-trainer.mjs DATA CHECKPOINT EPOCHS
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mix } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';

const [directory, checkpoint, epochs] = process.argv.slice(2);
const points = await new FileStorage(directory).fetch('points', '1.0');
const order = (shuffleSeed) => ({ shuffle: true, shuffleSeed });
const stream = mix(
  [
    points.stream(order(5)).filter(({ y }) => y !== 2),
    points.stream(order(6)).filter((_, { random }) => random() < 0.5),
  ],
  { weights: [3, 1], seed: 2, until: 'allEnd' },
)
  .map(new URL('./noisy.mjs', import.meta.url), { workers: 2, batchSize: 4 })
  .batch(8)
  .prefetch({ batches: 3 });

/** Logistic regression by stochastic gradients, in double precision: the same steps give the same bits. */
let weights = Float64Array.from({ length: 4 * 16 }, (_, i) => Math.sin(i) / 10);
let state;
let step = 0;
try {
  const saved = JSON.parse(readFileSync(checkpoint, 'utf8'));
  weights = Float64Array.from(saved.weights);
  ({ state, step } = saved);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
stream.resume(state);
process.send?.({ started: step });

function learn({ columns, length }) {
  const { x, y } = columns;
  for (let row = 0; row < length; row++) {
    const input = x.data.subarray(row * 16, row * 16 + 16);
    const scores = [0, 1, 2, 3].map((k) =>
      Math.exp(input.reduce((sum, value, i) => sum + value * weights[k * 16 + i], 0)),
    );
    const sum = scores.reduce((total, score) => total + score);
    for (const [k, score] of scores.entries()) {
      const slope = score / sum - (k === y.data[row] ? 1 : 0);
      for (let i = 0; i < 16; i++) weights[k * 16 + i] -= 0.05 * slope * input[i];
    }
  }
}

while (stream.epoch < Number(epochs)) {
  for await (const batch of stream) {
    learn(batch);
    step++;
    if (step % 3 === 0) {
      writeFileSync(`${checkpoint}.new`, JSON.stringify({ weights: Array.from(weights), state: batch.state, step }));
      renameSync(`${checkpoint}.new`, checkpoint);
    }
  }
}
await stream.close();
console.log(`${step} ${createHash('sha256').update(new Uint8Array(weights.buffer)).digest('hex')}`);
