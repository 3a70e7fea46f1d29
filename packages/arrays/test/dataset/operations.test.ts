import { expect, test } from '@jest/globals';
import type { NDArray } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays } from '@dataref/arrays';

async function stored() {
  const storage = new ObjectStorage(new MemoryStore());
  const arrays = openArrays(storage);
  const place = await arrays.array('place', { shape: [20], chunk: [6], dtype: 'int64' });
  const point = await arrays.array('point', { shape: [20, 2], chunk: [4, 2], dtype: 'float32' });
  const crop = await arrays.array('crop', { shape: [20, 3, 2], chunk: [8, 3, 2], dtype: 'uint8', recordAxes: 1 });
  await place.set(
    [],
    BigInt64Array.from({ length: 20 }, (_, i) => BigInt(i)),
  );
  await point.set(
    [],
    Float32Array.from({ length: 40 }, (_, i) => i / 2),
  );
  for (let i = 0; i < 20; i++) {
    await crop.shapes?.set([i], [i % 4, 2]);
    await crop.set([i], i);
  }
  return { storage, dataset: await arrays.dataset('all', { place, point, crop }) };
}

const whole = ({ place, point, crop }: { place: bigint; point: NDArray; crop: NDArray }) => [
  Number(place),
  [...(point.data as Float32Array)],
  crop.shape,
  [...(crop.data as Uint8Array)],
];
const expected = (i: number) => [i, [i, i + 0.5], [i % 4, 2], new Array((i % 4) * 2).fill(i)];

test('a dataset of arrays is read by index, cut, filtered, split and stored as any other', async () => {
  const { storage, dataset } = await stored();
  expect(whole(await dataset.at(-1))).toEqual(expected(19));
  const some = await dataset.read([7, 3, 7]);
  expect(Array.from(some.records(), whole)).toEqual([7, 3, 7].map(expected));
  expect(whole(await dataset.slice(5, 9).at(1))).toEqual(expected(6));
  const odd = await dataset.where(({ place }) => place % 2n === 1n);
  expect([odd.length, whole(await odd.at(4))]).toEqual([10, expected(9)]);
  const { train, test: rest } = dataset.split({ train: 0.75, test: 0.25 }, { seed: 1 });
  const seen: number[] = [];
  for (const part of [train, rest]) for await (const { place } of part.stream()) seen.push(Number(place));
  expect([train.length, rest.length, seen.sort((a, b) => a - b)]).toEqual([
    15,
    5,
    Array.from({ length: 20 }, (_, i) => i),
  ]);

  await storage.submit(dataset, 'copy', '1');
  const copy = await storage.fetch('copy', '1', { schema: dataset.schema });
  expect(copy.schema).toEqual(dataset.schema);
  const copied: unknown[] = [];
  for await (const record of copy.stream()) copied.push(whole(record));
  expect(copied).toEqual(Array.from({ length: 20 }, (_, i) => expected(i)));
});
