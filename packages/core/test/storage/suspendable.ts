import { fromRecords } from '@dataref/core';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { changed, storageOver } from './stored.js';

/** A store whose user is suspended at one of its calls: none comes to pass before it is woken. */
export function suspendable(inner: ObjectStore, isAt: (call: number, name: string, key: string) => boolean) {
  let calls = 0;
  let gate: Promise<void> | undefined;
  let wake = (): void => undefined;
  let suspend = (): void => undefined;
  const puts = new Set<Promise<unknown>>();
  // Once it is, and a beat that was on its way has come to pass.
  const suspended = new Promise<void>((resolve) => (suspend = resolve)).then(() => Promise.allSettled(puts));
  /** Undefined where the call goes on at once: then a put is known before anything else can happen. */
  const held = (name: string, key: string): Promise<void> | undefined => {
    if (gate === undefined && isAt(calls++, name, key)) {
      gate = new Promise((resolve) => (wake = resolve));
      suspend();
    }
    return gate;
  };
  const pass = async (name: string, key: string): Promise<void> => held(name, key);
  const track = async <T>(put: Promise<T>): Promise<T> => {
    puts.add(put);
    return put.finally(() => puts.delete(put));
  };
  const store = changed(inner, {
    head: async (key, io) => (await pass('head', key), inner.head(key, io)),
    get: async (key, limit, io) => (await pass('get', key), inner.get(key, limit, io)),
    put: async (key, bytes, io) => {
      const waiting = held('put', key);
      return waiting === undefined ? track(inner.put(key, bytes, io)) : waiting.then(() => inner.put(key, bytes, io));
    },
    delete: async (key, io) => (await pass('delete', key), inner.delete(key, io)),
    listFolders: async (prefix, io) => (await pass('folders', prefix), inner.listFolders(prefix, io)),
    async *list(prefix, io) {
      await pass('list', prefix);
      yield* inner.list(prefix, io);
    },
  });
  return { store, suspended, wake: () => wake() };
}

/** What the works write. */
export const written: string[] = ['new', 'also new'];

export type Work = (storage: DatasetStorage) => Promise<unknown>;

const copied = async (): Promise<DatasetStorage> => {
  const source = storageOver(new MemoryStore());
  await source.submit(written, 'x', '1');
  return source;
};

/** All that commits a dataset x@1, and what it does where there is one. */
export const WORKS: readonly [string, Work, 'replaces' | 'creates' | 'joins'][] = [
  ['a submit', (storage) => storage.submit(written, 'x', '1'), 'replaces'],
  [
    'a submit of what must not be there',
    (storage) => storage.submit(written, 'x', '1', { ifExists: 'error' }),
    'creates',
  ],
  ['a copy', async (storage) => (await copied()).copy('x', '1', storage), 'replaces'],
  ['a cacheable', (storage) => storage.cacheable('x', '1', () => fromRecords(written)), 'creates'],
  ['the only share', (storage) => storage.writer('x', '1', { part: 0, of: 1 }).submit(written), 'joins'],
];
