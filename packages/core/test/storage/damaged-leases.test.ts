import { describe, expect, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { changed, keysOf, storageOver } from './stored.js';

const RECORDS = ['one', 'two', 'three'];

/** What reads leases on its way to x@1, with those records, in a store. */
const WAYS: [string, (store: ObjectStore) => Promise<unknown>][] = [
  ['a submit', (store) => storageOver(store).submit(RECORDS, 'x', '1')],
  [
    'a submit that replaces',
    async (store) => {
      await storageOver(store).submit(['old'], 'x', '1');
      await storageOver(store).submit(RECORDS, 'x', '1');
    },
  ],
  ['a cacheable function', (store) => storageOver(store).cacheable('x', '1', () => fromRecords(RECORDS))],
  [
    'writers of shares',
    async (store) => {
      const writers = [0, 1].map((part) => storageOver(store).writer('x', '1', { part, of: 2 }));
      await writers[0]?.submit(RECORDS.slice(0, 2));
      await writers[1]?.submit(RECORDS.slice(2));
      await writers[0]?.whole();
    },
  ],
  [
    'a copy',
    async (store) => {
      const from = storageOver(new MemoryStore());
      await from.submit(RECORDS, 'x', '1');
      await from.copy('x', '1', storageOver(store));
    },
  ],
  [
    'a submit while another vacuums',
    async (store) => {
      const vacuum = () => storageOver(store).vacuum({ graceMs: 0 });
      await storageOver(store).submit(
        (async function* () {
          yield* RECORDS.slice(0, 1);
          await vacuum();
          yield* RECORDS.slice(1);
        })(),
        'x',
        '1',
      );
      await vacuum();
    },
  ],
];

/** A store of which one answer about a lease, `which` of all, has one other byte. */
function damaging(store: ObjectStore, which: number, at: number): { store: ObjectStore; answers: () => number } {
  let answers = 0;
  const get: ObjectStore['get'] = async (key, ...rest) => {
    const held = await store.get(key, ...rest);
    if (held === undefined || !isLease(key) || ++answers !== which) return held;
    return { ...held, bytes: held.bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)) };
  };
  return { store: changed(store, { get }), answers: () => answers };
}

const isLease = (key: string): boolean => /\/(?:writer|build|commit)\.json$/u.test(key);

describe.each([
  ['is no JSON any more', 0],
  ['tells of another holder', 12],
])('an answer about a lease that %s, whichever it is, costs nobody a dataset:', (_, at) => {
  test.each(WAYS)('%s', async (__, run) => {
    let which = 0;
    for (let all = 1; which <= all; which++) {
      const inner = new MemoryStore();
      const { store, answers } = damaging(inner, which, at);
      await run(store);
      if (which === 0) all = answers(); // none was damaged
      const storage = storageOver(inner);
      const dataref = await storage.fetch('x', '1');
      expect([which, (await dataref.read([0, 1, 2])).records()]).toEqual([which, RECORDS]);
      expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
      await storage.vacuum({ graceMs: 0 });
      expect((await keysOf(inner)).filter(isLease).filter((key) => !key.endsWith('build.json'))).toEqual([]);
    }
    expect(which).toBeGreaterThan(2); // some were
  });
});
