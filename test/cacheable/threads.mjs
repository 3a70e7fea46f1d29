// How many threads there are before, while and after a lease is held. node threads.mjs FOLDER
import { fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { takeLease } from '../../packages/core/dist/storage/lease.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { isRunning, thisProcess } from '../../packages/core/dist/store/process-identity.js';

const [folder] = process.argv.slice(2);
const threads = () => process.report.getReport().workers.length;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const store = new FileStore(folder);
const identity = { self: thisProcess, isRunning };
const take = (i) => takeLease(store, `x/1/data/${String(i).padStart(16, '0')}/`, identity, { mayBlock: true });

const before = threads();
const leases = await Promise.all([0, 1, 2].map(take));
for (let i = 0; threads() === before && i < 600; i++) await sleep(50);
await sleep(500); // for more of them, which there must not be
const during = threads();
await Promise.all(leases.map((lease) => lease.release()));
for (let i = 0; i < 20; i++) {
  const lease = await take(i);
  await sleep(15 * i);
  await lease.release();
}
const storage = new FileStorage(folder);
await storage.cacheable('y', '1', () => fromColumns(Int32Array.of(1)));
await storage.submit([1, 2], 'y', '2');
for (let i = 0; threads() > before && i < 600; i++) await sleep(50);
console.log(JSON.stringify({ before, during, after: threads() }));
// One that is never released keeps no process alive.
await take(99);
