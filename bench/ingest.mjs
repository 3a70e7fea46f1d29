// node ingest.mjs WORKLOAD SCALE RAW FOLDER RUNS: storing columns that lie in memory, in turns with writing and syncing the same bytes.
import fs from 'node:fs';
import { join } from 'node:path';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openRaw } from './raw.mjs';
import { peakMemory } from './serve.mjs';
import { median, round } from './statistics.mjs';
import { workload } from './workloads.mjs';

const [name, scale, rawFolder, folder, runs] = process.argv.slice(2);
const spec = workload(name, Number(scale));
const raw = openRaw(spec, rawFolder);
const payload = raw.payload();
const labels = raw.labels();
const x =
  raw.offsets === undefined
    ? ndarray(payload, [spec.records, ...spec.shape])
    : Array.from(labels, (_, i) => payload.subarray(raw.offsets[i], raw.offsets[i + 1]));

async function submit() {
  fs.rmSync(folder, { recursive: true, force: true });
  const storage = new FileStorage(folder);
  const start = performance.now();
  await storage.submit(fromColumns({ x, y: labels }), name, '1');
  return (performance.now() - start) / 1000;
}

async function writeAndSync() {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const start = performance.now();
  const file = await fs.promises.open(join(folder, 'bytes'), 'w');
  for (const bytes of [new Uint8Array(payload.buffer), new Uint8Array(labels.buffer)]) {
    for (let at = 0; at < bytes.length;)
      at += (await file.write(bytes, at, Math.min(2 ** 30, bytes.length - at))).bytesWritten;
  }
  await file.sync();
  await file.close();
  return (performance.now() - start) / 1000;
}

const firstSeconds = await submit();
await writeAndSync();
const ours = [];
const plain = [];
for (let i = 0; i < Number(runs); i++) {
  ours.push(await submit());
  plain.push(await writeAndSync());
}
fs.rmSync(folder, { recursive: true, force: true });
console.log(
  JSON.stringify({
    bytes: raw.byteLength,
    mbPerS: round(raw.byteLength / median(ours) / 1e6, 1),
    firstMbPerS: round(raw.byteLength / firstSeconds / 1e6, 1),
    writeAndSyncMbPerS: round(raw.byteLength / median(plain) / 1e6, 1),
    ratio: round(median(ours.map((seconds, i) => plain[i] / seconds))),
    peakMemoryBytes: peakMemory(),
  }),
);
