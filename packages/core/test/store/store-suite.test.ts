import { jest, describe, test } from '@jest/globals';
import { MemoryStore, withCoalescing, withRetry, type ObjectStore } from '@dataref/core/store';
import { storeSuite } from '@dataref/core/testing';
import { FileStore } from '../../dist/store/file-store.js';
import { announceSeed, randomOf, runs } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { flaky } from './flaky-store.js';

jest.setTimeout(600_000);

const STORES: readonly [string, () => ObjectStore][] = [
  ['FileStore', () => new FileStore(tempFolder())],
  ['MemoryStore', () => new MemoryStore()],
];
const WRAPPED: readonly [string, (store: ObjectStore) => ObjectStore][] = [
  ['by itself', (store) => store],
  ['withRetry', (store) => withRetry(store)],
  ['withCoalescing', (store) => withCoalescing(store)],
  ['withRetry, withCoalescing', (store) => withCoalescing(withRetry(store))],
  ['withCoalescing, withRetry', (store) => withRetry(withCoalescing(store))],
];

for (const [name, open] of STORES) {
  describe.each(WRAPPED)(`${name} %s keeps the promises of a store`, (_, wrap) => {
    for (const check of storeSuite(() => ({ store: wrap(open()) }))) test(check.name, check.run);
  });
}

describe('a MemoryStore behind a bad network, withRetry and withCoalescing, keeps the promises of a store', () => {
  const seed = announceSeed('flaky stores');
  for (let run = 0; run < runs(30); run++) {
    const open = (): ObjectStore => {
      const random = randomOf(seed + run);
      const retrying = withRetry(flaky(new MemoryStore(), random, 0.3), { attempts: 50, baseDelayMs: 0 });
      return run % 2 === 0 ? retrying : withCoalescing(retrying);
    };
    for (const { name, run: check } of storeSuite(() => ({ store: open() }))) test(`${run}: ${name}`, check);
  }
});
