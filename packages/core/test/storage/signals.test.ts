import { describe, expect, jest, test } from '@jest/globals';
import { readLease } from '../../dist/storage/lease-record.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { IoOptions, ObjectStore } from '../../dist/store/object-store.js';
import { type Call, CALLS, reason, storageOf } from './aborted-calls.js';
import { changed, keysOf } from './stored.js';

jest.setTimeout(120_000);

/** A store that notes each request without a signal: what it is, and the kind of its key. */
function noting(inner: ObjectStore, unsigned: Set<string>): ObjectStore {
  const note = (what: string, key: string, options: IoOptions = {}): void => {
    if (options.signal === undefined) unsigned.add(`${what} ${key.replace(/^.*\//u, '') || 'folder'}`);
  };
  return changed(inner, {
    head: (key, options) => (note('head', key, options), inner.head(key, options)),
    get: (key, limit, options) => (note('get', key, options), inner.get(key, limit, options)),
    put: (key, bytes, options) => (note('put', key, options), inner.put(key, bytes, options)),
    create: (key, options) => (note('create', key, options), inner.create(key, options)),
    list: (prefix, options) => (note('list', prefix, options), inner.list(prefix, options)),
    listFolders: (prefix, options) => (note('listFolders', prefix, options), inner.listFolders(prefix, options)),
    delete: (key, options) => (note('delete', key, options), inner.delete(key, options)),
    sweep: (options) => (note('sweep', '', options), inner.sweep(options)),
    async open(key, options) {
      note('open', key, options);
      const reader = await inner.open(key, options);
      return (
        reader && {
          byteLength: reader.byteLength,
          read: (into, position, io) => (note('read', key, io), reader.read(into, position, io)),
          readRanges: (ranges, io) => (note('readRanges', key, io), reader.readRanges(ranges, io)),
          close: () => reader.close(),
        }
      );
    },
  });
}

const READ_BACK = 'get writer.json';
/** What looks after what others can see by then: the manifest that was put is held against its lease, and leases end. */
const TO_THE_END: Readonly<Record<string, readonly string[]>> = {
  submit: ['delete writer.json'],
  'submit, where nothing may be': ['delete writer.json', READ_BACK],
  cacheable: ['delete writer.json', 'get build.json', READ_BACK, 'put build.json'],
  'copy to': ['delete writer.json', READ_BACK],
  'delete of shares': ['delete commit.json', 'get commit.json'],
  vacuum: ['delete commit.json', 'get commit.json'],
  'submit of the last share': ['delete commit.json', 'delete writer.json', 'get commit.json', READ_BACK],
  whole: ['delete commit.json', 'get commit.json'],
};

describe('the signal of a call is given to each of its requests, but those that clean up:', () => {
  test.each(Object.keys(CALLS))('%s', async (name) => {
    const { prepare, run } = CALLS[name] as Call;
    const inner = new MemoryStore();
    await prepare?.(inner);
    const unsigned = new Set<string>();
    await run(storageOf(noting(inner, unsigned)), { signal: new AbortController().signal });
    expect([...unsigned].sort()).toEqual(TO_THE_END[name] ?? []);
  });
});

/** A store that does not answer to the first write of a lease that it makes, until the signal ends it. */
function losing(inner: ObjectStore, lease: string): { readonly store: ObjectStore; readonly held: Promise<void> } {
  let hold = (): void => undefined;
  const held = new Promise<void>((resolve) => (hold = resolve));
  let isLost = false;
  const store = changed(inner, {
    async put(key, bytes, options) {
      const version = await inner.put(key, bytes, options);
      if (isLost || !key.endsWith(lease)) return version;
      isLost = true;
      hold();
      return new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(reason)));
    },
  });
  return { store, held };
}

describe('an abort while a lease is taken, which was written by then, keeps the lease from nobody:', () => {
  test.each([
    ['submit', 'writer.json'],
    ['cacheable', 'build.json'],
    ['cacheable', 'writer.json'],
    ['copy to', 'writer.json'],
    ['submit of the last share', 'commit.json'],
    ['whole', 'commit.json'],
  ])('%s, %s', async (name, lease) => {
    const { prepare, run } = CALLS[name] as Call;
    const inner = new MemoryStore();
    await prepare?.(inner);
    const { store, held } = losing(inner, lease);
    const controller = new AbortController();
    const called = run(storageOf(store), { signal: controller.signal });
    await held;
    controller.abort(reason);
    await expect(called).rejects.toBe(reason);
    for (const key of (await keysOf(inner)).filter((each) => each.endsWith(lease)))
      expect((await readLease(inner, key))?.record).toMatchObject({ isReleased: true });
  });
});
