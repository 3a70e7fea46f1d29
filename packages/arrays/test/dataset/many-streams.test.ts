import { expect, jest, test } from '@jest/globals';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays } from '@dataref/arrays';

jest.setTimeout(600_000);
const LENGTH = 60;
const STREAMS = 24;

/** A store that notes how many chunks of images are being read at once. */
function watchedStore() {
  const store = new MemoryStore();
  const get = store.get.bind(store);
  const seen = { now: 0, most: 0 };
  store.get = async (key, ...rest) => {
    if (!key.includes('image/c/')) return get(key, ...rest);
    seen.most = Math.max(seen.most, ++seen.now);
    await new Promise(setImmediate);
    seen.now--;
    return get(key, ...rest);
  };
  return { store, seen };
}

test.each(['permutation', 'parts'] as const)(
  'many streams at once of chunks larger than the budget read one chunk at a time, and each has all records (%s)',
  async (shuffleAlgorithm) => {
    const { store, seen } = watchedStore();
    const arrays = openArrays(new ObjectStorage(store), { cacheBytes: 100 });
    const image = await arrays.array('image', { shape: [LENGTH, 5, 5], chunk: [10, 5, 5], dtype: 'uint8' });
    const label = await arrays.array('label', { shape: [LENGTH], chunk: [60], dtype: 'int8' });
    const numbers = Int8Array.from({ length: LENGTH }, (_, i) => i);
    await label.set([], numbers);
    await image.set([], { dtype: 'uint8', shape: [LENGTH, 1, 1], data: Uint8Array.from(numbers) });
    const dataset = await arrays.dataset('all', { image, label });
    seen.most = 0;
    const read = async (seed: number): Promise<number[]> => {
      const found: number[] = [];
      const stream = dataset.stream({ shuffle: true, shuffleSeed: seed, shuffleAlgorithm });
      for await (const { columns } of stream.batch(7)) {
        columns.label.data.forEach((n, row) => {
          expect(new Set(columns.image.data.subarray(25 * row, 25 * row + 25))).toEqual(new Set([n]));
          found.push(n);
        });
        if (seed % 3 === 0 && found.length > 20) break; // some have had enough
      }
      return found;
    };
    const all = await Promise.all(Array.from({ length: STREAMS }, (_, seed) => read(seed)));
    for (const [seed, found] of all.entries())
      if (seed % 3 !== 0) expect(found.toSorted((a, b) => a - b)).toEqual([...numbers]);
    expect([seen.now, seen.most]).toEqual([0, 1]);
  },
);
