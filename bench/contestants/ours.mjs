// node ours.mjs WORKLOAD SCALE RAW STORE MODE: epochs of a stored workload, everything counted: order, labels, batches, states.
import { FileStorage } from '@dataref/core/fs';
import { openRaw, verifyEpoch } from '../raw.mjs';
import { serve } from '../serve.mjs';
import { SEED, workload } from '../workloads.mjs';

/** `memory`: what the storage may hold; undefined leaves the default. */
const MODES = {
  reused: { reuse: true },
  fresh: { reuse: false },
  position: { reuse: true, memory: 0 },
  'position-fresh': { reuse: false, memory: 0 },
  resident: { reuse: true, memory: 3.5e9 },
  'resident-fresh': { reuse: false, memory: 3.5e9 },
};

const [name, scale, rawFolder, folder, modeName, algorithm = 'numpy'] = process.argv.slice(2);
const mode = MODES[modeName];
const spec = workload(name, Number(scale));
const storage = new FileStorage(folder, mode.memory === undefined ? {} : { memoryLimitBytes: mode.memory });
const dataref = await storage.fetch(name, '1');
const batches = dataref
  .stream({ shuffle: true, shuffleSeed: SEED, shuffleAlgorithm: algorithm })
  .batch(spec.batch, { reuse: mode.reuse });

let sink = 0;
async function epoch() {
  let records = 0;
  for await (const batch of batches) {
    records += batch.length;
    sink += touch(batch.columns) + batch.state.node.count;
  }
  if (records !== spec.records) throw new Error(`an epoch had ${records} records`);
}

/** Looks at every array that a batch hands out. */
function touch({ x, y }) {
  return (Array.isArray(x) ? x.at(-1)[0] : x.data[0]) + (y === undefined ? 0 : y.data.length);
}

// The first epochs come by position while the data are loaded; both ways are compared with the raw files.
const raw = openRaw(spec, rawFolder);
await verifyEpoch(spec, raw, batches);
for (let i = 0; i < 3; i++) await epoch();
await verifyEpoch(spec, raw, batches);
await serve(epoch, { bytes: raw.byteLength, verified: true });
if (Number.isNaN(sink)) throw new Error('nothing was read');
await batches.close();
