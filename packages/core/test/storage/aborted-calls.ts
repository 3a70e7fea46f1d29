import { fromRecords } from '@dataref/core';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import '../../dist/storage/copy.js';
import '../../dist/storage/row-blocks.js';
import '../../dist/storage/verify.js';
import '../../dist/storage/whole-dataset.js';
import '../../dist/storage/write-share.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { changed, storageOver } from './stored.js';

const records = (first: number) => Array.from({ length: 3 }, (_, i) => ({ n: first + i, text: `${first}` }));
/** What calls are aborted with. */
export const reason = new Error('enough');

/** A call that takes a signal, and what it finds. */
export interface Call {
  readonly prepare?: (store: ObjectStore) => Promise<unknown>;
  readonly run: (storage: DatasetStorage, options: { readonly signal: AbortSignal }) => Promise<unknown>;
}

/** No beats in the midst of what is counted. */
export const storageOf = (store: ObjectStore) =>
  storageOver(store, { leaseTimes: { beatMs: 100_000, leaseMs: 200_000 } });

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

export const CALLS: Record<string, Call> = {
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
