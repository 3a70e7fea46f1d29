import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { ExpectedObject, Forecast } from '../../../dist/store/object-store.js';
import { announceSeed, runs } from '../../scale.js';
import { tempFolder } from '../../temp-folder.js';
import { FarStore } from './far-store.js';
import { copiesIn, filesIn, makeCache, until } from './made-caches.js';
import { expectBytes, openObject, putObject, readAll, type StoredBytes } from './objects.js';

jest.setTimeout(600_000);
const seed = announceSeed('store/cache/forecasts');
const BYTES = 1000;

/** Each of a sequence once, in the order of its first place. */
function upcomingOf(sequence: readonly ExpectedObject[]): ExpectedObject[] {
  return [...new Set(sequence)];
}

/** Downloads that the best of all strategies needs, which knows the whole sequence: when room is needed, what is needed last goes. */
function beladyMisses(sequence: readonly number[], capacity: number): number {
  const held = new Set<number>();
  let misses = 0;
  sequence.forEach((object, at) => {
    if (held.has(object)) return;
    misses++;
    if (held.size === capacity) {
      let farthest = -1;
      let victim = -1;
      for (const other of held) {
        const next = sequence.indexOf(other, at);
        const need = next === -1 ? Infinity : next;
        if (need > farthest) [farthest, victim] = [need, other];
      }
      held.delete(victim);
    }
    held.add(object);
  });
  return misses;
}

/** Reads objects in an order that a forecast tells, and says how many downloads that took. */
async function downloadsFor(
  sequence: readonly number[],
  capacity: number,
  objects: readonly StoredBytes[],
  far: FarStore,
) {
  const before = far.reads.length;
  const directory = tempFolder();
  const cache = makeCache(far, { directory, limitBytes: capacity * BYTES + BYTES / 2, read: 'parts' });
  const order = sequence.map((i) => objects[i] as StoredBytes);
  let at = 0;
  const unfollow = cache.follow({ upcoming: () => upcomingOf(order.slice(at)) });
  for (; at < order.length; at++) {
    await cache.settled();
    const object = order[at] as StoredBytes;
    expectBytes(await readAll(cache, object), object.bytes);
    expect(copiesIn(directory).length).toBeLessThanOrEqual(capacity);
  }
  unfollow();
  await cache.close();
  const reads = far.reads.slice(before);
  expect(reads.every(({ position, byteLength }) => position === 0 && byteLength === BYTES)).toBe(true);
  return reads.length;
}

describe('with a forecast followed', () => {
  test("as few objects are downloaded as by Belady's rule: in cycles, in shuffled epochs, in windows that move on", async () => {
    const far = new FarStore();
    const objects = await Promise.all(Array.from({ length: 12 }, (_, i) => putObject(far, `o/${i}`, BYTES, i + 1)));
    const count = fc.integer({ min: 1, max: 12 });
    const cycles = fc
      .tuple(count, fc.integer({ min: 1, max: 4 }))
      .map(([n, epochs]) => Array.from({ length: n * epochs }, (_, i) => i % n));
    const shuffled = fc
      .tuple(count, fc.integer({ min: 1, max: 4 }))
      .chain(([n, epochs]) =>
        fc.tuple(
          ...Array.from({ length: epochs }, () =>
            fc.shuffledSubarray(
              Array.from({ length: n }, (_, i) => i),
              { minLength: n, maxLength: n },
            ),
          ),
        ),
      )
      .map((epochs) => epochs.flat());
    const windows = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }))
      .map(([width, draws]) => draws.map((draw, i) => (Math.floor(i / 3) + (draw % width)) % 12));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(cycles, shuffled, windows),
        fc.integer({ min: 1, max: 12 }),
        async (sequence, capacity) => {
          expect(await downloadsFor(sequence, capacity, objects, far)).toBe(beladyMisses(sequence, capacity));
        },
      ),
      { seed, numRuns: runs(200) },
    );
  });

  test.each(['parts', 'auto'] as const)(
    "%s: downloads ahead in the forecast's order, as far as the cache reaches, before anybody reads",
    async (read) => {
      const far = new FarStore();
      const objects = await Promise.all(Array.from({ length: 9 }, (_, i) => putObject(far, `${i}`, BYTES, i)));
      const cache = makeCache(far, { directory: tempFolder(), limitBytes: 5 * BYTES, read });
      const order = [7, 2, 8, 0, 5, 1, 3, 4, 6].map((i) => objects[i] as StoredBytes);
      cache.follow({ upcoming: () => order });
      await cache.settled();
      const keys = far.reads.map(({ key }) => key);
      expect([keys.slice(0, 2).toSorted(), keys.toSorted()]).toEqual([
        ['2', '7'],
        ['0', '2', '5', '7', '8'],
      ]);
      const reader = await openObject(cache, order[0] as StoredBytes);
      expect(reader.readSync).toBeDefined();
      await reader.close();
    },
  );

  test('of several, the soonest need counts; what is followed no more counts no more', async () => {
    const far = new FarStore();
    const [a, b, c, d, e, f] = (await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((key, i) => putObject(far, key, BYTES, i)),
    )) as [StoredBytes, StoredBytes, StoredBytes, StoredBytes, StoredBytes, StoredBytes];
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 4 * BYTES, read: 'parts' });
    const forget = cache.follow({ upcoming: () => [a, b, c] });
    cache.follow({ upcoming: () => [d, b, e, f] });
    await cache.settled();
    expect(far.reads.map(({ key }) => key).toSorted()).toEqual(['a', 'b', 'c', 'd']);
    forget();
    await cache.settled();
    expect(
      far.reads
        .map(({ key }) => key)
        .slice(4)
        .toSorted(),
    ).toEqual(['e', 'f']);
    far.reads.length = 0;
    for (const object of [d, b, e, f]) expectBytes(await readAll(cache, object), object.bytes);
    expect(far.reads).toEqual([]);
  });

  test('unfollowed, it stops at once', async () => {
    const far = new FarStore();
    const objects = await Promise.all(Array.from({ length: 9 }, (_, i) => putObject(far, `${i}`, BYTES, i)));
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 9 * BYTES });
    let aborted = 0;
    far.before = (_, signal) =>
      new Promise((__, reject) =>
        signal?.addEventListener('abort', () => {
          aborted++;
          reject(signal.reason as Error);
        }),
      );
    const unfollow = cache.follow({ upcoming: () => objects });
    await until(() => far.underWay === 2, 'two downloads');
    unfollow();
    await until(() => aborted === 2, 'their end');
    await cache.settled();
    expect([far.underWay, filesIn(directory)]).toEqual([0, []]);
  });

  test('failures are silent, and tried again', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', BYTES);
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 2 * BYTES });
    let failures = 0;
    far.before = async () => {
      if (failures++ < 2) throw new Error('no');
    };
    const broken: Forecast = {
      upcoming: () => {
        if (failures < 2) return [object];
        if (failures++ === 2) throw new Error('a forecast may fail too');
        return [object];
      },
    };
    cache.follow(broken);
    const reader = await openObject(cache, object);
    await until(() => reader.readSync !== undefined, 'the copy');
    await reader.close();
  });

  test('a shuffle that reads a little of everything, all the time, downloads no more than it reads', async () => {
    const far = new FarStore();
    const objects = await Promise.all(Array.from({ length: 20 }, (_, i) => putObject(far, `${i}`, 10 * BYTES, i)));
    for (const read of ['auto', 'parts'] as const) {
      far.bytes.clear();
      const cache = makeCache(far, { directory: tempFolder(), limitBytes: 50 * BYTES, read });
      let at = 0;
      // Twice as many as are read, so that no object is needed for the last time.
      const order = Array.from({ length: 800 }, (_, i) => objects[(i * 7 + (i % 3)) % 20] as StoredBytes);
      cache.follow({ upcoming: () => upcomingOf(order.slice(at)) });
      const readers = await Promise.all(objects.map((object) => openObject(cache, object)));
      const into = new Uint8Array(100);
      for (; at < 400; at++) {
        const object = order[at] as StoredBytes;
        await readers[objects.indexOf(object)]?.read(into, at);
        expectBytes(into, object.bytes.subarray(at, at + 100));
        if (at % 10 === 0) await cache.settled();
      }
      expect(far.totalBytes).toBeLessThanOrEqual(50 * BYTES + 2 * 400 * 100);
      await Promise.all(readers.map((reader) => reader.close()));
    }
  });
});
