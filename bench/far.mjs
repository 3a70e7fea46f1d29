// node far.mjs SCALE FOLDER: what reading from afar asks for and gets, as lines of JSON: requests and bytes, no times.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorage } from '@dataref/core/fs';
import { ObjectStorage, withCoalescing } from '@dataref/core/store';
import { rowsOf } from '../packages/core/dist/dataset/make.js';
import { FileStore } from '../packages/core/dist/store/file-store.js';
import { leastBytes } from './belady.mjs';
import { BATCH, check, ORDERS, readEpoch, RECORD_BYTES, store } from './far-dataset.mjs';
import { farStore } from './far-store.mjs';

const [scale, folder] = process.argv.slice(2);
const COUNT = Math.round(100_000 * Number(scale));
const EPOCHS = 3;
const print = (line) => console.log(JSON.stringify({ workload: 'far', ...line }));

await store(new FileStorage(folder), COUNT);
for (const [order, options] of Object.entries(ORDERS)) await firstBatch(order, options);
for (const [order, options] of Object.entries(ORDERS)) await epoch(order, options);
for (const [order, options] of Object.entries(ORDERS)) await cached(order, options);

/** The dataset over a store that is far away, with `wrap` around it. Nothing is held in memory but heads. */
async function open(wrap = (far) => far) {
  const { far, counts } = farStore(new FileStore(folder));
  const dataref = await new ObjectStorage(wrap(far), { memoryLimitBytes: 0 }).fetch('far', '1');
  return { dataref, counts };
}

async function firstBatch(order, options) {
  const { dataref, counts } = await open(withCoalescing);
  const manifest = { ...counts };
  for await (const batch of dataref.stream(options).batch(BATCH).take(1)) check(batch);
  print({
    mode: `first batch, ${order}`,
    requests: counts.requests - manifest.requests,
    bytes: counts.bytes - manifest.bytes,
    bytesOfRecords: BATCH * RECORD_BYTES,
    bytesOfDataset: COUNT * RECORD_BYTES,
    requestsOfManifest: manifest.requests,
  });
}

async function epoch(order, options) {
  const wraps = { 'one by one': undefined, coalesced: withCoalescing };
  for (const [name, wrap] of Object.entries(wraps)) {
    const { dataref, counts } = await open(wrap);
    await readEpoch(dataref.stream(options), COUNT);
    print({ mode: `epoch, ${order}, ${name}`, records: COUNT, ...counts, bytesOfDataset: COUNT * RECORD_BYTES });
  }
}

/** Epochs with a cache of a share of the data, next to the least that any cache could download for the same order. */
async function cached(order, options) {
  const withCache = await import('@dataref/core/cache').then(
    (loaded) => loaded.withCache,
    () => undefined,
  );
  const { partRecords, trace } = await traceOf(options);
  const total = COUNT * RECORD_BYTES;
  const partBytes = partRecords.map((records) => records * RECORD_BYTES);
  const partOf = Uint32Array.from(partRecords.flatMap((records, part) => Array.from({ length: records }, () => part)));
  const ofParts = trace.map((index) => partOf[index]);
  const recordBytes = new Array(COUNT).fill(RECORD_BYTES);
  for (const share of [0.25, 0.5, 1]) {
    const limitBytes = Math.round(total * share) + (share === 1 ? 64 * 2 ** 20 : 0);
    print({
      mode: `cache of ${share * 100} %, ${order}`,
      epochs: EPOCHS,
      ...(withCache === undefined
        ? { leftOut: 'no @dataref/core/cache' }
        : await readCached(withCache, options, limitBytes)),
      leastBytesByWholeParts: Math.max(...partBytes) > limitBytes ? null : leastBytes(ofParts, partBytes, limitBytes),
      leastBytesByRecords: leastBytes(trace, recordBytes, limitBytes),
      bytesOfDataset: total,
    });
  }
}

async function readCached(withCache, options, limitBytes) {
  const results = {};
  for (const read of ['parts', 'auto']) {
    const directory = join(folder, '..', 'far-cache');
    rmSync(directory, { recursive: true, force: true });
    const { dataref, counts } = await open((far) => withCache(withCoalescing(far), { directory, limitBytes, read }));
    const stream = dataref.stream(options);
    for (let i = 0; i < EPOCHS; i++) await readEpoch(stream, COUNT);
    results[read] = { ...counts };
    rmSync(directory, { recursive: true, force: true });
  }
  return results;
}

/** The indices of all epochs, in their order. */
async function traceOf(options) {
  const dataref = await new FileStorage(folder, { memoryLimitBytes: 0 }).fetch('far', '1');
  const batches = dataref.stream(options).batch(BATCH, { reuse: true });
  const trace = new Uint32Array(EPOCHS * COUNT);
  let at = 0;
  for (let i = 0; i < EPOCHS; i++) {
    for await (const { indices } of batches) {
      trace.set(indices, at);
      at += indices.length;
    }
  }
  return { partRecords: rowsOf(dataref).partRecords(), trace };
}
