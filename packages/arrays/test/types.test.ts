import { expect, test } from '@jest/globals';
import type { Field, NDArray } from '@dataref/core';
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

test('rows of arrays with recordAxes 1 are ragged in the types of a dataset, as they are', async () => {
  const arrays = openArrays(new ObjectStorage(new MemoryStore()));
  const form = { shape: [4, 8, 3], chunk: [2, 8, 3], dtype: 'uint8' } as const;
  const ragged = await arrays.array('ragged', { ...form, recordAxes: 1 });
  const pairs = await arrays.array('pairs', { ...form, recordAxes: 2 });
  const fixed = await arrays.array('fixed', form);
  const one: 1 = ragged.recordAxes;
  const none: undefined = fixed.recordAxes;
  await ragged.shapes?.set([0], [2, 3]);
  const ds = await arrays.dataset('ds', { ragged, pairs, fixed });
  const leaves: {
    readonly ragged: Field<'uint8', readonly [null, null]>;
    readonly pairs: Field<'uint8', readonly [8, 3]>;
    readonly fixed: Field<'uint8', readonly [8, 3]>;
  } = ds.schema;
  // @ts-expect-error -- its sizes differ from record to record
  const sizes: readonly [8, 3] = ds.schema.ragged.shape;
  expect([one, none, pairs.recordAxes]).toEqual([1, undefined, 2]);
  expect([leaves.ragged.shape, sizes, leaves.pairs.shape, leaves.fixed.shape]).toEqual([
    [null, null],
    [null, null],
    [8, 3],
    [8, 3],
  ]);
  for await (const { columns } of ds.stream().batch(2)) {
    const rows: readonly NDArray<'uint8'>[] = columns.ragged;
    const whole: NDArray<'uint8'> = columns.fixed;
    expect([rows[0]?.shape, whole.shape]).toEqual([
      [2, 3],
      [2, 8, 3],
    ]);
    break;
  }
});
