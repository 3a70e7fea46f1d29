// node first-batch.mjs WORKLOAD BATCH STORE ALGORITHM: what a program does up to its first batch; prints the time it had it.
import { FileStorage } from '@dataref/core/fs';

const [name, size, folder, algorithm] = process.argv.slice(2);
const dataref = await new FileStorage(folder).fetch(name, '1');
const stream = dataref.stream({ shuffle: true, shuffleSeed: 7, shuffleAlgorithm: algorithm });
for await (const batch of stream.batch(Number(size))) {
  if (batch.columns.x.length === 0) throw new Error('empty');
  break;
}
console.log(JSON.stringify({ at: performance.timeOrigin + performance.now() }));
