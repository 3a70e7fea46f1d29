import { expect, test } from '@jest/globals';
import type { NDArray } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays, slice } from '@dataref/arrays';

test('types follow the dtype, the shape and the selection', async () => {
  const arrays = openArrays(new ObjectStorage(new MemoryStore()));
  const input = await arrays.array('input', { shape: [100, 25, 25], chunk: [20, 5, 5], dtype: 'uint8' });
  const label = await arrays.array('label', { shape: [100, 4], chunk: [20, 2], dtype: 'bool' });
  const shape: readonly [100, 25, 25] = input.shape;
  const part: NDArray<'uint8'> = await input.get([0, slice(5), null]);
  const pixel: number = await input.get([0, 1, 2]);
  const flag: boolean = await label.get([0, 1]);
  // @ts-expect-error -- one of three axes is left
  const noNumber: number = await input.get([0, 1]);
  const ds = await arrays.dataset('ds', { input, label: 'label' });
  const same: NDArray<'uint8'> = await ds.arrays.input.get([0]);
  // @ts-expect-error -- there is no such component
  await expect(ds.set('nothing', [0], 1)).rejects.toThrow('no component "nothing"');
  expect([shape, part.shape, pixel, flag, same.shape]).toEqual([[100, 25, 25], [5, 25], 0, false, [25, 25]]);
  expect(noNumber).toMatchObject({ shape: [25] });
});
