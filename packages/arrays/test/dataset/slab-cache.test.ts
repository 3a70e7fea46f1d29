import { expect, test } from '@jest/globals';
import { SlabCache } from '../../dist/dataset/slab-cache.js';

/** The most bytes that were being read at once while all of these sizes were asked for together, and who was read. */
async function mostAtOnce(budgetBytes: number, sizes: readonly number[]) {
  let now = 0;
  let most = 0;
  const read: number[] = [];
  const cache = new SlabCache(
    budgetBytes,
    (component) => sizes[component] as number,
    async (component) => {
      now += sizes[component] as number;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= sizes[component] as number;
      read.push(component);
      return { data: new Uint8Array(sizes[component] as number), shapes: undefined };
    },
  );
  await Promise.all(sizes.map((_, component) => cache.get(component, 0, undefined)));
  return { most, read: read.toSorted((a, b) => a - b) };
}

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

test('what is read at once stays within the budget, however much is asked for', async () => {
  expect(
    await mostAtOnce(
      100,
      all(50).map(() => 40),
    ),
  ).toEqual({ most: 80, read: all(50) });
  expect(
    await mostAtOnce(
      0,
      all(20).map(() => 40),
    ),
  ).toEqual({ most: 40, read: all(20) }); // one at a time, then
  expect(await mostAtOnce(100, [40, 500, 40, 60])).toEqual({ most: 500, read: all(4) });
});

test('at most eight are read at once', async () => {
  expect(
    await mostAtOnce(
      2 ** 30,
      all(50).map(() => 1),
    ),
  ).toEqual({ most: 8, read: all(50) });
});
