// Encodes Moby-Dick once, and trains a small causal transformer on it. Then the same training in a process that is killed in
// mid-epoch and started again, which ends with weights equal to the bit; and another sequence length out of the same tokens.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend, type Backend } from '@dataref-examples/mnist/backend';
import { rehearse } from './rehearsal.js';
import { perplexity, train, weightsHash } from './training.js';
import { openTokens, SEQUENCE_LENGTH } from './whale.js';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: fileURLToPath(new URL('../data', import.meta.url)) },
    backend: { type: 'string' },
    epochs: { type: 'string', default: '2' },
    steps: { type: 'string', default: '100' },
  },
});
const directory = values.data;
await mkdir(directory, { recursive: true });
const backend = await useBackend(values.backend as Backend | undefined);
const tokens = await openTokens(directory);
const { splits } = tokens.config;
console.log(`${splits.train.tokens} tokens to train on, ${splits.validation.tokens} held out; backend: ${backend}`);

const [epochs, steps] = [Number(values.epochs), Number(values.steps)];
const validation = await tokens.dataset('validation', { sequenceLength: SEQUENCE_LENGTH });
const checkpoint = join(directory, 'training.ckpt');
await rm(checkpoint, { force: true });
let losses: number[] = [];
const model = await train({
  tokens,
  epochs,
  steps,
  checkpoint,
  onStep: ({ epoch, batch, loss }) => {
    losses.push(loss);
    if (losses.length < 50 && batch + 1 < steps) return;
    const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    console.log(`epoch ${epoch + 1}, step ${batch + 1}: perplexity ${Math.exp(mean).toFixed(2)}`);
    losses = [];
  },
});
console.log(`held-out perplexity ${(await perplexity(model, validation)).toFixed(2)}`);

// The same tokens as windows twice as long: nothing is encoded again.
const long = await tokens.dataset('validation', { sequenceLength: 2 * SEQUENCE_LENGTH });
const longer = (await perplexity(model, long)).toFixed(2);
console.log(`${long.length} windows of ${2 * SEQUENCE_LENGTH} tokens, from the same file: perplexity ${longer}`);

const killAt = { epoch: epochs - 1, batch: Math.floor(Math.random() * (steps - 1)) };
const rehearsed = join(directory, 'rehearsal.ckpt');
await rm(rehearsed, { force: true });
const args = [directory, rehearsed, String(epochs), String(steps), backend];
console.log(`the same in another process, SIGKILL after step ${killAt.batch + 1} of epoch ${killAt.epoch + 1} …`);
await rehearse(args, killAt, () => undefined);
console.log('killed; started again with the same command …');
const resumed = await rehearse(args, undefined, (epoch) =>
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
