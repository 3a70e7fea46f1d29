// node --max-old-space-size=48 filling.mjs MARKER: maps records of which one fills its thread's memory once, and prints what came.
import { fromRecords } from '@dataref/core';

const [marker] = process.argv.slice(2);
const records = Array.from({ length: 12 }, (_, x) => ({
  x,
  what: x === 5 ? 'fill' : '',
  marker: x === 5 ? marker : '',
}));
const stream = (await fromRecords(records))
  .stream()
  .map(new URL('./hard.mjs', import.meta.url), { workers: 2, batchSize: 2 });
const seen = [];
for await (const { x } of stream) seen.push(x);
console.log(JSON.stringify(seen));
