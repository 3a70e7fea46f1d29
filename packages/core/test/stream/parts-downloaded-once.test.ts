import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { FarStore } from '../store/cache/far-store.js';
import { makeCache } from '../store/cache/made-caches.js';
import { tempFolder } from '../temp-folder.js';
import { storeInParts } from './store-in-parts.js';

jest.setTimeout(600_000);

const PARTS = 10;
const PART_RECORDS = 400;
const RECORD_BYTES = 500;
const COUNT = PARTS * PART_RECORDS;
const x = ndarray(
  Uint8Array.from({ length: COUNT * RECORD_BYTES }, (_, i) => (i * 7 + Math.floor(i / RECORD_BYTES)) % 256),
  [COUNT, RECORD_BYTES],
);

function fetchOver(store: ObjectStore, read: 'parts' | 'auto'): Promise<DataRef> {
  const storage = new DatasetStorage({
    store,
    identity: { self: () => 'test', isRunning: () => true },
    budget: { limitBytes: 0, isExplicit: true, usedBytes: 0 },
    verifyReads: true,
    headLimitBytes: 2 ** 20,
    read,
    nonce: () => '0123456789abcdef',
  });
  return storage.fetch('a', '1');
}

/** How often each part was downloaded as a whole, of those that were, and the bytes of each that were read in ranges. */
function transfers(far: FarStore): { readonly wholes: Map<string, number>; readonly rangeBytes: Map<string, number> } {
  const wholes = new Map<string, number>();
  const rangeBytes = new Map<string, number>();
  for (const { key, byteLength } of far.reads.filter((read) => read.key.endsWith('.arrow'))) {
    const isWhole = byteLength > PART_RECORDS * RECORD_BYTES;
    const counts = isWhole ? wholes : rangeBytes;
    counts.set(key, (counts.get(key) ?? 0) + (isWhole ? 1 : byteLength));
  }
  return { wholes, rangeBytes };
}

describe.each(['parts', 'auto'] as const)("a shuffle by parts with a cache that has room for its window and one part more, read: '%s'", (read) => {
  test.each([1, 2])('of %i parts: downloads each part at most once an epoch, and reads next to no ranges beside where it may not', async (shuffleWindow) => {
    const far = new FarStore();
    await storeInParts(far, fromColumns({ x }), 'a', '1', PART_RECORDS);
    const partBytes = await largestOf(far);
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: Math.floor((shuffleWindow + 1.4) * partBytes), read });
    far.before = () => delay(2);
    const stream = (await fetchOver(cache, read))
      .stream({ shuffle: true, shuffleSeed: 3, shuffleAlgorithm: 'parts', shuffleWindow })
      .batch(16)
      .prefetch({ batches: 1 });
    for (let epoch = 0; epoch < 4; epoch++) {
      far.reads.length = 0;
      let records = 0;
      for await (const { length } of stream) records += length;
      expect(records).toBe(COUNT);
      const { wholes, rangeBytes } = transfers(far);
      expect(Math.max(...wholes.values())).toBe(1);
      const partsInRanges = sumOf(rangeBytes) / (PART_RECORDS * RECORD_BYTES);
      // The first batches of 'auto' do not wait for their parts; later ones only go on without where there is no room yet.
      if (read === 'parts') expect(partsInRanges).toBeLessThanOrEqual(0.1);
      else expect(partsInRanges).toBeLessThanOrEqual(epoch === 0 ? shuffleWindow + 0.5 : 0.5);
    }
  });
}); // prettier-ignore

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

async function largestOf(store: ObjectStore): Promise<number> {
  let largest = 0;
  for await (const { byteLength } of store.list('')) largest = Math.max(largest, byteLength);
  return largest;
}
