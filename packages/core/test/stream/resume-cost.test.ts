import { beforeAll, describe, expect, test } from '@jest/globals';
import { fromColumns, ndarray, type BatchStream, type DataRef, type Stream } from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectReader, ObjectStore } from '../../dist/store/object-store.js';
import { storageOver, storeInParts } from './store-in-parts.js';
import { gather, through } from './gather.js';

const LENGTH = 4000;
const BATCH = 40;

/** A store that counts the bytes that are read through it. */
function counting(store: ObjectStore): { readonly store: ObjectStore; readonly bytes: () => number } {
  let bytes = 0;
  const watch = (reader: ObjectReader): ObjectReader => ({
    byteLength: reader.byteLength,
    read: (into, position) => {
      bytes += into.length;
      return reader.read(into, position);
    },
    readRanges: (ranges, options) => {
      for (const { into } of ranges) bytes += into.length;
      return reader.readRanges(ranges, options);
    },
    readSync: (into, position) => {
      bytes += into.length;
      reader.readSync?.(into, position);
    },
    close: () => reader.close(),
  });
  const watched = new Proxy(store, {
    get(target, name) {
      if (name === 'open') return async (key: string) => optional(await target.open(key), watch);
      if (name === 'get') {
        return async (key: string, limitBytes: number) => {
          const got = await target.get(key, limitBytes);
          bytes += got?.bytes.length ?? 0;
          return got;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { store: watched, bytes: () => bytes };
}

function optional<T, R>(value: T | undefined, then: (value: T) => R): R | undefined {
  return value === undefined ? undefined : then(value);
}

describe('resuming anywhere in an epoch reads as many bytes before the first batch', () => {
  const memory = new MemoryStore();
  beforeAll(async () => {
    const image = ndarray(
      Float32Array.from({ length: LENGTH * 16 }, (_, i) => i),
      [LENGTH, 16],
    );
    const label = Int32Array.from({ length: LENGTH }, (_, i) => i);
    await storeInParts(memory, fromColumns({ image, label }), 'wide', '1', LENGTH / 4);
  });

  // Never in memory; with the parts' small columns in memory; and all in memory once it has been loaded.
  const budgets = [0, 160_000, 2 ** 28];
  const orders = [
    { shuffle: true, shuffleSeed: 3, shuffleAlgorithm: 'numpy' },
    { shuffle: true, shuffleSeed: 3, shuffleAlgorithm: 'permutation' },
    {},
  ] as const;
  const pipelines: readonly [string, (stream: Stream) => BatchStream][] = [
    ['batch', (stream) => stream.batch(BATCH)],
    ['map, batch', (stream) => stream.map((record) => ({ ...record })).batch(BATCH)],
    [
      'skip, repeat, batch, map',
      (stream) =>
        stream
          .skip(0)
          .repeat(2)
          .batch(BATCH)
          .map(({ columns }) => columns),
    ],
  ];

  test.each(budgets.flatMap((budget) => pipelines.map(([name, build]) => [name, budget, build] as const)))(
    '%s, within %d bytes of memory',
    async (_name, budget, build) => {
      for (const order of orders) {
        const open = async (store: ObjectStore): Promise<BatchStream> =>
          build(((await storageOver(store, budget).fetch('wide', '1')) as DataRef).stream(order));
        const all = await gather(await open(memory), LENGTH / BATCH);
        const costs: number[] = [];
        for (const percent of [1, 50, 99]) {
          const place = (percent * LENGTH) / BATCH / 100;
          const state = through(all[place - 1]?.state);
          const { store, bytes } = counting(memory);
          const resumed = (await open(store)).resume(state);
          const loop = resumed[Symbol.asyncIterator]();
          const first = await loop.next();
          costs.push(bytes());
          expect(Array.from(first.value?.indices ?? [])).toEqual(Array.from(all[place]?.indices ?? []));
          await resumed.close();
        }
        expect(costs[0]).toBeGreaterThan(BATCH * 64);
        if (!('shuffle' in order) && budget > 0) continue; // in order, a batch may touch one part's head or two
        expect(new Set(costs).size).toBe(1);
      }
    },
  );
});
