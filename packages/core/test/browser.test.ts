import { Worker } from 'node:worker_threads';
import { expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { serveFolder } from './servers/file-server.js';
import { tempFolder } from './temp-folder.js';

/** Runs in a thread of its own, after everything that a browser does not have has been taken away. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const post = parentPort.postMessage.bind(parentPort);
const load = (url) => import(url);
// Node's own fetch needs what was taken away; a browser's has what it needs. So this one asks the other thread.
const waiting = new Map();
parentPort.on('message', ({ id, status, headers, bytes }) => {
  const chunks = [bytes];
  const read = async () => (chunks.length > 0 ? { done: false, value: chunks.pop() } : { done: true });
  const body = { getReader: () => ({ read, cancel: async () => undefined }) };
  waiting.get(id)({ status, type: 'basic', headers: { get: (name) => headers[name] ?? null }, body });
});
const askParent = (url, { method, headers }) => new Promise((resolve) => {
  waiting.set(waiting.size, resolve);
  post({ asked: { id: waiting.size - 1, url, method, headers } });
});
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
  let code;
  try { data.stream({ shuffle: true }); } catch (error) { code = isDataRefError(error) && error.code; }
  const { HttpStorage } = await load(workerData.http);
  const far = await new HttpStorage(workerData.url, { fetch: askParent }).fetch('far', '1');
  const fetched = [];
  for await (const batch of far.stream({ shuffle: true, shuffleSeed: 1 }).batch(4)) fetched.push(...batch.records());
  post({ fetched, missing, all: all.map(({ records }) => records), rest, permuted, length, code });
}).catch((error) => post({ error: String(error.stack ?? error) }));
`;

/** Refuses every module of Node, as a browser would, and takes of each package what is meant for others than Node. */
const REFUSE = `data:text/javascript,${encodeURIComponent(`
export async function resolve(specifier, context, next) {
  const conditions = context.conditions.filter((condition) => !condition.startsWith('node'));
  const found = await next(specifier, { ...context, conditions });
  if (found.url.startsWith('node:')) throw new Error('a browser has no ' + found.url);
  return found;
}`)}`;

jest.setTimeout(600_000);

interface Asked {
  readonly id: number;
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

async function answer(worker: Worker, { id, url, method, headers }: Asked): Promise<void> {
  const response = await fetch(url, { method, headers });
  const bytes = new Uint8Array(await response.arrayBuffer());
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's has none
  worker.postMessage({ id, status: response.status, headers: Object.fromEntries(response.headers), bytes });
}

test('the main entry and HttpStorage run where Node’s own modules and globals are missing', async () => {
  const entry = import.meta.resolve('@dataref/core');
  const hooks = 'node:module';
  const http = import.meta.resolve('@dataref/core/http');
  const folder = tempFolder();
  await new FileStorage(folder).submit([10, 11, 12, 13, 14, 15], 'far', '1');
  const server = await serveFolder(folder);
  const workerData = { entry, http, hooks, refuse: REFUSE, url: server.url };
  const worker = new Worker(PROGRAM, { eval: true, workerData });
  const message = await new Promise<Record<string, unknown>>((resolve, reject) => {
    worker.on('message', (sent: { readonly asked?: Asked }) => {
      if (sent.asked === undefined) resolve(sent);
      else answer(worker, sent.asked).catch(reject);
    });
    worker.once('error', reject);
  });
  await worker.terminate();
  await server.close();
  expect(message['error']).toBeUndefined();
  expect(message['missing']).toEqual([]);
  expect((message['fetched'] as number[]).toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15]);
  const all = message['all'] as { x: number }[][];
  expect(all.map((records) => records.length)).toEqual([3, 3, 3, 1]);
  expect(message['rest']).toEqual(all.slice(2));
  expect((message['permuted'] as number[]).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([message['length'], message['code']]).toEqual([2, 'INVALID_ARGUMENT']);
});
