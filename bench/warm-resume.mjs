// node warm-resume.mjs WORKLOAD SCALE STORE RUNS: in a warm process, opening the dataset and resuming in the middle, up to the first batch.
import { FileStorage } from '@dataref/core/fs';
import { openOrder } from '../packages/core/dist/order/order.js';
import { readsSince, readsSoFar } from './serve.mjs';
import { median, round } from './statistics.mjs';
import { SEED, workload } from './workloads.mjs';

const [name, scale, folder, runs] = process.argv.slice(2);
const spec = workload(name, Number(scale));

async function open(algorithm, state) {
  const dataref = await new FileStorage(folder).fetch(name, '1');
  return dataref
    .stream({ shuffle: true, shuffleSeed: SEED, shuffleAlgorithm: algorithm })
    .batch(spec.batch)
    .resume(state);
}

/** The state after half of the batches, and the indices of the batch that comes next. */
async function middle(algorithm) {
  const stream = await open(algorithm, undefined);
  const half = Math.floor(spec.records / spec.batch / 2);
  let state;
  for await (const batch of stream) {
    if (state !== undefined) return { state: JSON.parse(JSON.stringify(state)), next: [...batch.indices] };
    if (batch.step === half - 1) state = batch.state;
  }
  throw new Error('too few batches');
}

async function resume(algorithm, { state, next }) {
  const before = readsSoFar();
  const start = performance.now();
  const stream = await open(algorithm, state);
  const iterator = stream[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  const ms = performance.now() - start;
  const reads = readsSince(before);
  if (String([...value.indices]) !== String(next)) throw new Error(`${name}: resumed at another record`);
  await iterator.return();
  return { ms, reads };
}

for (const algorithm of ['permutation', 'numpy']) {
  const place = await middle(algorithm);
  await resume(algorithm, place);
  const results = [];
  for (let i = 0; i < Number(runs); i++) results.push(await resume(algorithm, place));
  const orderMs = Array.from({ length: Number(runs) }, () => {
    const start = performance.now();
    openOrder({ algorithm, seed: SEED, reshuffle: true }, spec.records, 0);
    return performance.now() - start;
  });
  console.log(
    JSON.stringify({
      algorithm,
      ms: round(median(results.map((result) => result.ms)), 2),
      orderMs: round(median(orderMs), 2),
      reads: results.at(-1).reads,
    }),
  );
}
