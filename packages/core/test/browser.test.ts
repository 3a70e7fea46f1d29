import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { fromColumns } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';

/** Runs in a thread of its own, after everything that a browser does not have has been taken away. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const post = parentPort.postMessage.bind(parentPort);
const load = (url) => import(url);
const names = ['process', 'Buffer', 'global', 'require', 'module', 'setImmediate', 'clearImmediate', '__dirname', '__filename'];
load(workerData.hooks).then(async ({ register }) => {
  register(workerData.refuse);
  for (const name of names) delete globalThis[name];
  const missing = names.filter((name) => typeof globalThis[name] !== 'undefined');
  const { fromColumns, fromRecords, concat, field, ndarray, isDataRefError } = await load(workerData.entry);
  const data = fromColumns({ x: Float64Array.from({ length: 10 }, (_, i) => i), name: Array.from('abcdefghij') });
  const build = () => data.stream({ shuffle: true, shuffleSeed: 777, shardRank: 0, numShards: 2 })
    .map((r, { random }) => ({ ...r, drawn: random() })).repeat(2).batch(3).prefetch();
  const all = [];
  for await (const batch of build()) all.push({ records: batch.records(), state: batch.state });
  const rest = [];
  for await (const batch of build().resume(JSON.parse(JSON.stringify(all[1].state)))) rest.push(batch.records());
  const permuted = [];
  for await (const r of data.stream({ shuffle: true, shuffleSeed: 1, shuffleAlgorithm: 'permutation' })) permuted.push(r.x);
  const records = await fromRecords([{ image: ndarray(new Uint8Array(4), [2, 2]) }]);
  const { length } = concat(records, records);
  const { MemoryStore, ObjectStorage, withRetry, withCoalescing } = await load(workerData.store);
  const store = new MemoryStore();
  for (const [key, bytes] of workerData.objects) await store.put(key, bytes);
  const storage = new ObjectStorage(withCoalescing(withRetry(store)));
  const stored = await (await storage.fetch('letters', '1')).at(3);
  let code;
  try { data.stream({ shuffle: true }); } catch (error) { code = isDataRefError(error) && error.code; }
  post({ missing, all: all.map(({ records }) => records), rest, permuted, length, code, stored });
}).catch((error) => post({ error: String(error.stack ?? error) }));
`;

/** Refuses every module of Node, as a browser would. */
const REFUSE = `data:text/javascript,${encodeURIComponent(`
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  if (found.url.startsWith('node:')) throw new Error('a browser has no ' + found.url);
  return found;
}`)}`;

/** A dataset as it is stored: writing needs apache-arrow, whose build for Node is no test of the one for browsers. */
async function storedObjects(): Promise<[string, Uint8Array][]> {
  const store = new MemoryStore();
  const data = fromColumns({ x: Float64Array.from({ length: 10 }, (_, i) => i), name: Array.from('abcdefghij') });
  await new ObjectStorage(store).submit(data, 'letters', '1');
  const objects: [string, Uint8Array][] = [];
  for await (const { key, byteLength } of store.list(''))
    objects.push([key, (await store.get(key, byteLength))?.bytes as Uint8Array]);
  return objects;
}

test('the main entry and that of stores run where Node’s own modules and globals are missing', async () => {
  const entry = import.meta.resolve('@dataref/core');
  const store = import.meta.resolve('@dataref/core/store');
  const hooks = 'node:module';
  const objects = await storedObjects();
  const worker = new Worker(PROGRAM, { eval: true, workerData: { entry, store, objects, hooks, refuse: REFUSE } });
  const message = await new Promise<Record<string, unknown>>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  expect(message['error']).toBeUndefined();
  expect(message['missing']).toEqual([]);
  const all = message['all'] as { x: number }[][];
  expect(all.map((records) => records.length)).toEqual([3, 3, 3, 1]);
  expect(message['rest']).toEqual(all.slice(2));
  expect((message['permuted'] as number[]).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(message['stored']).toEqual({ x: 3, name: 'd' });
  expect([message['length'], message['code']]).toEqual([2, 'INVALID_ARGUMENT']);
}, 60_000);
