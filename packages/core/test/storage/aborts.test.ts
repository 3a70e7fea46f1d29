import { describe, expect, jest, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import '../../dist/storage/copy.js';
import '../../dist/storage/row-blocks.js';
import '../../dist/storage/verify.js';
import '../../dist/storage/whole-dataset.js';
import '../../dist/storage/write-share.js';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { announceSeed, randomOf, scale } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { holding, type Loss } from './holding-store.js';
import { changed, storageOver } from './stored.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/aborts');

/** After an abort a call that hangs may take a second to clean up; the rest is for a busy machine. Else it never ends. */
const PROMPTLY_MS = 30_000;
const records = (first: number) => Array.from({ length: 3 }, (_, i) => ({ n: first + i, text: `${first}` }));
const reason = new Error('enough');

/** A call that is aborted while one of its requests hangs, and what it finds. */
interface Call {
  readonly prepare?: (store: ObjectStore) => Promise<unknown>;
  readonly run: (storage: DatasetStorage, options: { readonly signal: AbortSignal }) => Promise<unknown>;
}

/** No beats in the midst of what is counted. */
const storageOf = (store: ObjectStore) => storageOver(store, { leaseTimes: { beatMs: 100_000, leaseMs: 200_000 } });

const submitted = (store: ObjectStore) => storageOver(store).submit(records(10), 'x', '1');

async function oneShare(store: ObjectStore): Promise<void> {
  await storageOver(store).writer('x', '1', { part: 0, of: 2 }).submit(records(0));
}

/** All shares, whose last writer was killed before it committed them. */
async function allShares(store: ObjectStore): Promise<void> {
  await oneShare(store);
  const dying = changed(store, {
    put: async (key, ...args) => {
      if (key.endsWith('dataset.json')) throw new Error('killed');
      return store.put(key, ...args);
    },
  });
  const last = storageOver(dying).writer('x', '1', { part: 1, of: 2 });
  await last.submit(records(3)).catch(() => undefined);
}

/** What vacuum removes: a generation that was replaced, one whose writer is dead, and shares. */
async function rubbish(store: ObjectStore): Promise<void> {
  await submitted(store);
  await storageOver(store).submit(records(20), 'x', '1');
  await storageOver(store).writer('y', '1', { part: 0, of: 2 }).submit(records(0));
  await store.put('z/1/data/00000000000000aa/00000000.arrow', Uint8Array.of(1, 2, 3));
}

async function copiedFrom(storage: DatasetStorage, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  await storage.copy('x', '1', storageOver(new MemoryStore()), { signal });
}

const CALLS: Record<string, Call> = {
  submit: { prepare: submitted, run: (storage, io) => storage.submit(records(0), 'x', '1', io) },
  'submit, where nothing may be': {
    run: (storage, io) => storage.submit(records(0), 'x', '1', { ...io, ifExists: 'error' }),
  },
  cacheable: { run: (storage, io) => storage.cacheable('x', '1', () => fromRecords(records(0)), io) },
  'copy to': {
    async run(storage, { signal }) {
      const source = new MemoryStore();
      await submitted(source);
      await storageOver(source).copy('x', '1', storage, { signal });
    },
  },
  'copy from': { prepare: submitted, run: copiedFrom },
  delete: { prepare: submitted, run: (storage, io) => storage.delete('x', '1', io) },
  'delete of shares': { prepare: allShares, run: (storage, io) => storage.delete('x', '1', io) },
  vacuum: { prepare: rubbish, run: (storage, io) => storage.vacuum({ ...io, graceMs: 0 }) },
  'submit of the last share': {
    prepare: oneShare,
    run: (storage, io) => storage.writer('x', '1', { part: 1, of: 2 }).submit(records(3), io),
  },
  whole: { prepare: allShares, run: (storage, io) => storage.writer('x', '1', { part: 0, of: 2 }).whole(io) },
  has: { prepare: submitted, run: (storage, io) => storage.has('x', '1', io) },
  info: { prepare: submitted, run: (storage, io) => storage.info('x', '1', io) },
  'fetch of none': { prepare: submitted, run: (storage, io) => storage.fetch('y', '1', io).catch(thrownByUs) },
  list: {
    prepare: rubbish,
    async run(storage, io) {
      for await (const _ of storage.list(io));
    },
  },
  verify: { prepare: submitted, run: (storage, io) => storage.verify('x', '1', io) },
};

/** A dataset that is not there is no failure of the test. */
function thrownByUs(error: unknown): void {
  if (error === reason) throw error;
}

const bytesOf = async (store: ObjectStore) => (await store.get('x/1/dataset.json', 2 ** 20))?.bytes;

/** Nothing is asked for any more. */
async function isQuiet(count: () => number): Promise<void> {
  for (let seen = -1; seen !== count();) {
    seen = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const WANTED = { answer: reason, isPrompt: true, isAsItWas: true, isWhole: true };

async function abortedAt(at: number, inner: ObjectStore, { prepare, run }: Call, loss: Loss): Promise<typeof WANTED> {
  await prepare?.(inner);
  const { store, held, letGo, count } = holding(inner, at, loss);
  const controller = new AbortController();
  const called = run(storageOf(store), { signal: controller.signal }).then(
    () => 'ended',
    (error: unknown) => error,
  );
  // Where requests are made at once their number may differ.
  if ((await Promise.race([held, called])) !== undefined) return WANTED;
  const before = await bytesOf(inner);
  const begunMs = performance.now();
  controller.abort(reason);
  const answer = (await called) as Error;
  const isPrompt = performance.now() - begunMs < PROMPTLY_MS;
  letGo();
  await isQuiet(count);
  // Whatever goes on in the background commits, and takes back, nothing.
  const isAsItWas = isEqual(before, await bytesOf(inner));
  const isWhole = before === undefined || (await storageOver(inner).verify('x', '1')).ok;
  return { answer, isPrompt, isAsItWas, isWhole };
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

/** So many of the first numbers as the scale allows, at random; always the last ones, where the commit is. */
function sample(requests: number): number[] {
  const random = randomOf(seed);
  return Array.from({ length: requests }, (_, i) => i + 1).filter((at) => at > requests - 3 || random() < scale);
}

async function checkCall(open: () => ObjectStore, name: string, loss: Loss): Promise<void> {
  const call = CALLS[name] as Call;
  const requests = await requestsOf(open(), call);
  const check = async (at: number): Promise<void> => {
    const given = await abortedAt(at, open(), call, loss);
    expect({ name, at, ...given }).toEqual({ name, at, ...WANTED });
  };
  await Promise.all(sample(requests).map(check));
}

async function requestsOf(inner: ObjectStore, { prepare, run }: Call): Promise<number> {
  await prepare?.(inner);
  const { store, count } = holding(inner, 0, 'request');
  await run(storageOf(store), { signal: new AbortController().signal });
  return count();
}

describe.each<[string, () => ObjectStore]>([
  ['MemoryStore', () => new MemoryStore()],
  ['FileStore', () => new FileStore(tempFolder())],
])('over a %s that does not answer, and does not listen to the signal', (_, open) => {
  test.each<Loss>(['request', 'answer'])(
    'to a %s, an abort ends every call, and nothing is half done',
    async (loss) => {
      // All at once: each waits for a second.
      await Promise.all(Object.keys(CALLS).map((name) => checkCall(open, name, loss)));
    },
  );
});
