import { expect, test } from '@jest/globals';
import { MemoryStore, ObjectStorage, type ObjectStore } from '@dataref/core/store';
import { ndarray } from '@dataref/core';
import { openArrays, slice, type Arrays } from '@dataref/arrays';

/** A storage in memory whose requests are counted. */
function counted(): {
  readonly arrays: Arrays;
  readonly since: () => Record<string, number>;
  readonly store: ObjectStore;
} {
  const store = new MemoryStore();
  let counts: Record<string, number> = {};
  const counting = new Proxy<ObjectStore>(store, {
    get(target, name: keyof ObjectStore) {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        counts[name] = (counts[name] ?? 0) + 1;
        return (method as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const since = (): Record<string, number> => {
    const before = counts;
    counts = {};
    return before;
  };
  return { arrays: openArrays(new ObjectStorage(counting)), since, store };
}

const FORM = { shape: [20, 9], chunk: [5, 3], dtype: 'int32' } as const;

test('a selection reads as many objects as it touches chunks, written or not, and no more', async () => {
  const { arrays, since } = counted();
  const array = await arrays.array('x', FORM);
  await array.set([slice(0, 10)], 1);
  for (const [selection, chunks] of [
    [[], 12],
    [[3], 3],
    [[3, 3], 1],
    [[slice(4, 6), slice(2, 4)], 4],
    [[slice(0, 20, 10), -1], 2],
    [[slice(5, 5)], 0],
  ] as const) {
    since();
    await array.get([...selection]);
    expect(since()).toEqual(chunks === 0 ? {} : { get: chunks });
  }
});

/** After a write: whether the array is still there. */
const DESCRIPTION = 1;

test('whole chunks are written without a read of any, and a part of one reads that one', async () => {
  const { arrays, since } = counted();
  const array = await arrays.array('x', FORM);
  for (const again of [false, true]) {
    since();
    await array.set([slice(5, 15), slice(3)], again ? 2 : 1);
    expect(since()).toEqual({ put: 2, get: DESCRIPTION });
  }
  await array.set([slice(4, 10)], ndarray(new Int32Array(6 * 9), [6, 9])); // of three chunks the last row, three whole
  expect(since()).toEqual({ get: 3 + DESCRIPTION, put: 6 });
  await array.set([-1, -1], 1);
  expect(since()).toEqual({ get: 1 + DESCRIPTION, put: 1 });
});

test('chunks that reach beyond the array are written without a read where they were not there', async () => {
  const { arrays, since } = counted();
  const array = await arrays.array('x', { ...FORM, shape: [7, 9] });
  since();
  await array.set([], 1);
  expect(since()).toEqual({ put: 6, get: DESCRIPTION });
  await array.set([], 2);
  expect(since()).toEqual({ put: 9, get: 3 + DESCRIPTION }); // three that may have been lengthened elsewhere
});

test('what is not written takes no space, and a sparse array may be huge', async () => {
  const { arrays, since, store } = counted();
  const array = await arrays.array('x', { shape: [2 ** 40, 2 ** 12], chunk: [100, 100], dtype: 'float64' });
  expect(since()['put']).toBe(1);
  await array.set([-1, -1], 1);
  expect([await array.get([2 ** 40 - 1, 4095]), await array.get([2 ** 39, 0])]).toEqual([1, 0]);
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  expect(keys.sort()).toEqual(['arrays%/x/c/10995116277/40', 'arrays%/x/zarr.json']);
});

test('opening reads one object, and making an array or a dataset lists no chunks of others', async () => {
  const { arrays, since } = counted();
  await arrays.array('a/x', FORM);
  since();
  await arrays.openArray('a/x');
  expect(since()).toEqual({ get: 1 });
  await arrays.array('a/y', FORM);
  expect(since()).toMatchObject({ list: 1, put: 1 });
});
