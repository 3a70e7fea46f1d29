// node catalog.mjs SCALE RAW FOLDER ROUNDS: saving and loading W1 as a table, in turns with the storage alone. Lines of JSON; see README.md.
import fs from 'node:fs';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openCatalog } from '@dataref/catalog';
import { openRaw } from './raw.mjs';
import { median, round } from './statistics.mjs';
import { workload } from './workloads.mjs';

const [scale, rawFolder, folder, rounds] = process.argv.slice(2);
const spec = workload('w1', Number(scale));
const raw = openRaw(spec, rawFolder);
const data = fromColumns({ x: ndarray(raw.payload(), [spec.records, ...spec.shape]), y: raw.labels() });
const TURNS = {
  storage: {
    save: () => new FileStorage(folder).submit(data, 'w1', '1'),
    load: () => new FileStorage(folder).fetch('w1', '1'),
  },
  table: {
    save: () => openCatalog(new FileStorage(folder)).save('w1', data),
    load: () => openCatalog(new FileStorage(folder)).load('w1'),
  },
};

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** One epoch in batches, from a storage that has nothing in memory. */
async function epoch(load) {
  let records = 0;
  for await (const { length } of (await load()).stream({ shuffle: true, shuffleSeed: 1 }).batch(spec.batch))
    records += length;
  if (records !== spec.records) throw new Error(`${records} records, not ${spec.records}`);
}

const times = { storage: { save: [], open: [], load: [] }, table: { save: [], open: [], load: [] } };
for (let run = 0; run <= Number(rounds); run++) {
  for (const who of run % 2 === 0 ? ['storage', 'table'] : ['table', 'storage']) {
    fs.rmSync(folder, { recursive: true, force: true });
    const { save, load } = TURNS[who];
    const seen = { save: await seconds(save), open: await seconds(load), load: await seconds(() => epoch(load)) };
    if (run > 0) for (const [what, time] of Object.entries(seen)) times[who][what].push(time); // the first one loads code
  }
}
fs.rmSync(folder, { recursive: true, force: true });
const ratioOf = (what) => median(times.table[what].map((time, i) => time / times.storage[what][i]));
for (const [what, target] of Object.entries({ save: 1.1, open: undefined, load: 1.1 })) {
  const ms = (who) => round(median(times[who][what]) * 1000, 2);
  console.log(JSON.stringify({ workload: 'catalog', mode: `${what} w1`, table: ms('table'), storage: ms('storage'), unit: 'ms', ratio: round(ratioOf(what), 3), target })); // prettier-ignore
}
