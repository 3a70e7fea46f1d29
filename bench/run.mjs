// node bench/run.mjs [--only w1,w4] [--quick] [--scale 0.5] [--rounds 15] [--peers] [--data DIR]: lines of JSON; see README.md.
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './child.mjs';
import { contest, ratio } from './contest.mjs';
import { generate } from './generate.mjs';
import { median, round } from './statistics.mjs';
import { pythonWith } from './venv.mjs';
import { workload, WORKLOADS } from './workloads.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: [...WORKLOADS, 'tfjs', 'far', 'bucket', 'pipelines', 'onnx'].join(',') },
    quick: { type: 'boolean', default: false },
    scale: { type: 'string' },
    rounds: { type: 'string' },
    peers: { type: 'boolean', default: false },
    data: { type: 'string', default: join(import.meta.dirname, 'data') },
  },
});
const only = values.only.split(',');
const scale = Number(values.scale ?? (values.quick ? 0.1 : 1));
const rounds = Number(values.rounds ?? (values.quick ? 5 : 15));
const data = resolve(values.data);
const node = process.execPath;
const file = (...path) => join(import.meta.dirname, ...path);
const print = (line) => console.log(JSON.stringify(line));

/** Our modes and numpy's, the same in every workload's contest; the first of each is the one for the ratios. */
const OURS = {
  w1: ['reused', 'fresh', 'position'],
  w2: ['reused', 'fresh', 'position'],
  w3: ['reused', 'fresh', 'position'],
  w4: ['resident', 'position', 'fresh'],
};
const NUMPY = {
  w1: ['clip', 'mapped', 'raise'],
  w2: ['bytes', 'copy', 'vectorised'],
  w3: ['clip', 'mapped', 'raise'],
  w4: ['clip', 'mapped'],
};
const PEERS = {
  w1: ['torchdata', 'grain'],
  w2: ['torchdata', 'grain'],
  w3: ['torchdata', 'grain'],
  w4: ['torchdata', 'grain'],
};

const summary = [];
const measured = WORKLOADS.filter((name) => only.includes(name));
const venvNumpy = measured.length > 0 ? await pythonWith('requirements', data) : undefined;
const venvPeers = values.peers ? await pythonWith('requirements-peers', data) : undefined;
for (const name of measured) await measure(workload(name, scale));
if (only.includes('tfjs')) await measureTfjs(workload('w1', scale));
if (only.includes('far')) {
  for (const line of await run(node, [file('far.mjs'), scale, join(data, `store-${scale}`, 'far')])) print(line);
}
if (only.includes('bucket')) {
  const requirements = file('..', 'packages', 'core', 'test', 'servers', 'requirements.txt');
  const python = await pythonWith('servers', data, requirements);
  for (const line of await run(node, [file('bucket.mjs'), scale, python])) print(line);
}
if (only.includes('pipelines')) {
  const lines = await run(node, [file('pipelines.mjs'), Math.round(20_000 * scale), rounds]);
  for (const line of lines) print(line);
}
if (only.includes('onnx')) {
  for (const line of await run(node, [file('onnx.mjs'), rounds])) print(line);
}
if (only.includes('arrays')) {
  const python = await pythonWith('arrays', data, file('..', 'test', 'interop', 'arrays', 'requirements.txt'));
  for (const line of await run(node, [file('arrays.mjs'), join(data, 'arrays'), python, Math.min(rounds, 7)]))
    print(line);
}
if (only.includes('text')) {
  const python = await pythonWith('text', data, file('..', 'test', 'interop', 'text', 'requirements.txt'));
  const characters = Math.round(1_000_000 * scale);
  for (const line of await run(node, [file('text.mjs'), join(data, 'text'), python, Math.min(rounds, 7), characters]))
    print(line);
}
if (only.includes('windows')) {
  for (const line of await run(node, [file('text-windows.mjs'), join(data, 'windows'), scale, rounds])) print(line);
}
if (only.includes('catalog')) {
  const raw = join(data, `raw-${scale}`, 'w1');
  generate(workload('w1', scale), raw);
  for (const line of await run(node, [file('catalog.mjs'), scale, raw, join(data, 'catalog'), rounds])) print(line);
}
if (only.includes('sends')) {
  for (const line of await run(node, [file('sends.mjs'), Math.round(6000 * scale), Math.min(rounds, 5)])) print(line);
}
if (only.includes('mpi')) {
  const store = await storeOfW1();
  for (const line of await run(node, [file('mpi.mjs'), store, rounds])) print(line);
}
for (const line of summary) print(line);

async function measure(spec) {
  const { name, records, batch } = spec;
  const raw = join(data, `raw-${scale}`, name);
  const store = join(data, `store-${scale}`, name);
  generate(spec, raw);
  await run(node, [file('store.mjs'), name, scale, raw, store]);
  for (const folder of [raw, store]) readThrough(folder);
  await measureEpochs(spec, raw, store);
  print({ workload: name, mode: 'first batch', ...(await firstBatch([file('first-batch.mjs'), name, batch, store])) });
  for (const line of await run(node, [file('warm-resume.mjs'), name, scale, store, rounds * 3])) {
    const { algorithm, ms, orderMs, reads } = line;
    print({ workload: name, mode: 'open and resume', order: algorithm, ms, msOfOrder: orderMs, reads });
    summary.push({
      workload: name,
      what: `open and resume in the middle, ${algorithm} order, ms`,
      value: ms,
      msOfOrder: orderMs,
      target: 15,
    });
  }
  if (name === 'w3') return;
  const runs = name === 'w4' ? 3 : Math.max(5, rounds);
  const [ingest] = await run(node, [file('ingest.mjs'), name, scale, raw, join(data, 'ingest'), runs]);
  print({ workload: name, mode: 'ingest', records, ...ingest });
  summary.push({ workload: name, what: 'ingest against writing and syncing the same bytes', ratio: ingest.ratio });
}

/** Brings files into the page cache, in order: read at random they would lie there in small pieces. */
function readThrough(folder) {
  const buffer = new Uint8Array(2 ** 24);
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const opened = fs.openSync(join(entry.parentPath, entry.name));
    while (fs.readSync(opened, buffer) > 0);
    fs.closeSync(opened);
  }
}

async function measureEpochs({ name, records, batch }, raw, store) {
  const contestants = [
    ...OURS[name].map((mode) => ({
      name: mode,
      command: node,
      args: [file('contestants', 'ours.mjs'), name, scale, raw, store, mode],
    })),
    ...NUMPY[name].map((mode) => ({
      name: `numpy ${mode}`,
      command: venvNumpy,
      args: [file('contestants', 'numpy_take.py'), name, scale, raw, mode, records, batch],
    })),
    ...(venvPeers === undefined ? [] : PEERS[name]).map((peer) => ({
      name: peer,
      command: venvPeers,
      args: [file('contestants', 'peers.py'), name, scale, raw, peer, records, batch],
    })),
  ];
  const results = await contest(contestants, rounds);
  const { bytes } = results.get(OURS[name][0]);
  for (const [mode, result] of results) {
    const { seconds, peakMemoryBytes, epochs, epochReads } = result;
    print({
      workload: name,
      mode,
      records,
      recordsPerS: Math.round(records / seconds),
      bytesPerS: Math.round(bytes / seconds),
      peakMemoryBytes,
      epochs,
      epochReads,
    });
  }
  const others = [...results].filter(([mode]) => !OURS[name].includes(mode));
  for (const mode of OURS[name]) {
    const against = others.map(([other, result]) => [other, round(ratio(results.get(mode), result))]);
    summary.push({ workload: name, what: `epochs, ${mode}, times the speed of`, ...Object.fromEntries(against) });
  }
}

/** From the start of the process, its own time of birth excluded nowhere: the clock starts before it is spawned. */
async function firstBatch(args) {
  const ms = { numpy: [], permutation: [] };
  const bare = [];
  for (let i = 0; i < rounds; i++) {
    for (const algorithm of Object.keys(ms)) {
      const start = performance.timeOrigin + performance.now();
      const [{ at }] = await run(node, [...args, algorithm]);
      ms[algorithm].push(at - start);
    }
    const start = performance.timeOrigin + performance.now();
    const [{ at }] = await run(node, [
      '-e',
      'console.log(JSON.stringify({ at: performance.timeOrigin + performance.now() }))',
    ]);
    bare.push(at - start);
  }
  const result = {
    msWithNumpyOrder: round(median(ms.numpy), 1),
    msWithPermutation: round(median(ms.permutation), 1),
    fastestMs: round(Math.min(...ms.numpy, ...ms.permutation), 1),
    msOfNodeAlone: round(median(bare), 1),
  };
  summary.push({
    workload: args[1],
    what: 'process start to first batch, ms',
    value: result.msWithNumpyOrder,
    msOfNodeAlone: result.msOfNodeAlone,
    target: 150,
  });
  return result;
}

/** W1, stored where it is not yet. */
async function storeOfW1() {
  const raw = join(data, `raw-${scale}`, 'w1');
  const store = join(data, `store-${scale}`, 'w1');
  generate(workload('w1', scale), raw);
  await run(node, [file('store.mjs'), 'w1', scale, raw, store]);
  return store;
}

async function measureTfjs(spec) {
  const raw = join(data, `raw-${scale}`, 'w1');
  const store = await storeOfW1();
  const contestants = ['ours-int32', 'ours-one-hot', 'generator-int32', 'generator-one-hot'].map((mode) => ({
    name: mode,
    command: node,
    args: [file('contestants', 'tfjs.mjs'), scale, raw, store, mode],
  }));
  const results = await contest(contestants, Math.min(rounds, 5));
  for (const [mode, { seconds, peakMemoryBytes, epochs }] of results) {
    print({
      workload: 'w1',
      mode: `tfjs ${mode}`,
      recordsPerS: Math.round(spec.records / seconds),
      peakMemoryBytes,
      epochs,
    });
  }
  for (const labels of ['int32', 'one-hot']) {
    const value = ratio(results.get(`ours-${labels}`), results.get(`generator-${labels}`));
    summary.push({
      workload: 'w1',
      what: `toTfDataset, ${labels} labels, times tf.data.generator`,
      ratio: round(value),
      target: 10,
    });
  }
}
