// node sends.mjs RECORDS ROUNDS: what a send to worker threads gains on a costly map, and costs on a trivial one. Lines of JSON; see README.md.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { local, send } from '@dataref/catalog';
import { median, round } from './statistics.mjs';

const [records, rounds] = process.argv.slice(2).map(Number);
const folder = fs.mkdtempSync(join(os.tmpdir(), 'dataref-bench-'));
const storage = new FileStorage(folder);
const numbers = (length) => fromColumns(Float64Array.from({ length }, (_, i) => i));
const few = await storage.submit(numbers(records), 'few', '1');
const many = await storage.submit(numbers(records * 25), 'many', '1');

/** A send that was never done before. */
function sent(file, data, workers) {
  const module = new URL(file, import.meta.url);
  return send({ module, hardware: local({ workers }), revision: crypto.randomUUID() })(data);
}
/** The same in this thread. */
async function here(file, data) {
  const { default: fn } = await import(new URL(file, import.meta.url));
  return storage.submit(data.stream().map(fn), 'here', '1');
}

const TURNS = {
  'costly, 1 worker': () => sent('costly.mjs', few, 1),
  'costly, 2 workers': () => sent('costly.mjs', few, 2),
  'trivial, here': () => here('trivial.mjs', many),
  'trivial, 1 worker': () => sent('trivial.mjs', many, 1),
  'trivial, 2 workers': () => sent('trivial.mjs', many, 2),
};
let expected;
const seconds = Object.fromEntries(Object.keys(TURNS).map((name) => [name, []]));
for (let run = 0; run <= rounds; run++) {
  const names = Object.keys(TURNS);
  for (const name of run % 2 === 0 ? names : names.reverse()) {
    const start = performance.now();
    const { fingerprint } = await TURNS[name]();
    if (run > 0) seconds[name].push((performance.now() - start) / 1000); // the first one loads code
    if (name.startsWith('costly')) check(fingerprint);
  }
}
fs.rmSync(folder, { recursive: true, force: true });

const ratio = (a, b) => round(median(seconds[a].map((time, i) => time / seconds[b][i])), 2);
print('costly, 2 workers', { records, speedup: ratio('costly, 1 worker', 'costly, 2 workers'), target: 1.7 });
for (const workers of ['1 worker', '2 workers'])
  print(`trivial, ${workers}`, { records: records * 25, overHere: ratio(`trivial, ${workers}`, 'trivial, here') });
print('trivial, here', { records: records * 25 });

function print(mode, line) {
  console.log(JSON.stringify({ workload: 'sends', mode, seconds: round(median(seconds[mode]), 2), ...line }));
}

function check(fingerprint) {
  expected ??= fingerprint;
  if (fingerprint !== expected) throw new Error('another result');
}
