import { expect } from '@jest/globals';
import { ndarray, type NumericDType } from '@dataref/core';
import { slice, type Arrays } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';

/** Behaviours of Hub v1, each after the upstream test of its name. */
export const hubSuite: readonly { readonly name: string; readonly run: (arrays: Arrays) => Promise<void> }[] = [
  {
    name: 'test_init: an array has the shape, chunk and dtype that it was made with, and all of it is 0',
    run: async (arrays) => {
      const x = await example(arrays);
      expect([x.shape, x.chunk, x.dtype]).toEqual([[10, 10, 10, 10], [5, 5, 5, 5], 'uint8']);
      expect(mean(await x.get([3]))).toBe(0);
    },
  },
  {
    name: 'test_simple_upload_download: one record is written and read back',
    run: async (arrays) => {
      const x = await example(arrays);
      await x.set([0], ones([1, 10, 10, 10]));
      expect(mean(await x.get([0]))).toBe(1);
    },
  },
  {
    name: 'test_multiple_upload_download: several chunks are',
    run: async (arrays) => {
      const x = await example(arrays);
      await x.set([slice(0, 3)], ones([3, 10, 10, 10]));
      expect(mean(await x.get([slice(0, 3)]))).toBe(1);
    },
  },
  {
    name: 'test_cross_chunk_upload_download: a region across chunks is, and the elements around it stay 0',
    run: async (arrays) => {
      const x = await example(arrays);
      await x.set([slice(2, 5), slice(0, 10), slice(3, 8), slice(4, 7)], ones([3, 10, 5, 3]));
      expect(mean(await x.get([slice(2, 5), null, slice(3, 8), slice(4, 7)]))).toBe(1);
      expect(sum(await x.get([]))).toBe(3 * 10 * 5 * 3);
    },
  },
  {
    name: 'test_broadcasting: a number and a row are written everywhere',
    run: async (arrays) => {
      const x = await arrays.array('test/example:1', { shape: [100, 100, 10], chunk: [1, 100, 10], dtype: 'uint8' });
      await x.set([0, 0, 0], 11);
      expect(await x.get([0, 0, 0])).toBe(11);
      await x.set([0], 10);
      expect(await x.get([0, 0, 0])).toBe(10);
      await x.set(
        [slice(0, 2)],
        Uint8Array.from({ length: 10 }, (_, i) => i),
      );
      expect(Array.from((await x.get([1, 99])).data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    },
  },
  {
    name: 'test_chunk_shape: chunks of other shapes than the records',
    run: async (arrays) => {
      const x = await arrays.array('test/example:1', { shape: [30, 10, 10], chunk: [7, 3, 10], dtype: 'int32' });
      await x.set([slice(6, 15)], ones([9, 10, 10]));
      expect([mean(await x.get([slice(6, 15)])), sum(await x.get([]))]).toEqual([1, 900]);
    },
  },
  {
    name: 'test_load_array: an array is opened by its name, with what was written',
    run: async (arrays) => {
      const x = await example(arrays);
      await x.set([0], ones([1, 10, 10, 10]));
      const same = await arrays.openArray('test/example:1');
      expect([same.shape, mean((await same.get([0])) as Numbers)]).toEqual([[10, 10, 10, 10], 1]);
    },
  },
  {
    name: 'test_squeeze_array: integers drop their axis, and all of them give a number',
    run: async (arrays) => {
      const x = await example(arrays);
      expect((await x.get([0])).shape).toEqual([10, 10, 10]);
      expect((await x.get([0, slice(0, 1)])).shape).toEqual([1, 10, 10]);
      expect((await x.get([0, 0, 0])).shape).toEqual([10]);
      expect(await x.get([0, 0, 0, 0])).toBe(0);
    },
  },
  {
    name: 'test_uint8_array, test_float32_array, …: every dtype keeps its values',
    run: async (arrays) => {
      const dtypes: readonly NumericDType[] = [
        'uint8',
        'int16',
        'int32',
        'float16',
        'float32',
        'float64',
        'bool',
        'uint64',
      ];
      for (const dtype of dtypes) {
        const x = await arrays.array(`test/dtype:${dtype}`, { shape: [4, 4], chunk: [3, 2], dtype });
        await x.set([1, 2], dtype === 'bool' ? true : dtype === 'uint64' ? 1n : 1);
        expect([dtype, Number(await x.get([1, 2])), Number(await x.get([2, 1]))]).toEqual([dtype, 1, 0]);
        expect((await arrays.openArray(`test/dtype:${dtype}`)).dtype).toBe(dtype);
      }
    },
  },
  {
    name: 'test_mnist: the mean of what was written is read back, from arrays that a dataset joins',
    run: async (arrays) => {
      const images = await arrays.array('mnist:images', { shape: [60, 28, 28], chunk: [16, 28, 28], dtype: 'uint8' });
      const labels = await arrays.array('mnist:labels', { shape: [60], chunk: [16], dtype: 'uint8' });
      const pixels = Uint8Array.from({ length: 60 * 784 }, (_, i) => (i * 31) % 251);
      await images.set([], ndarray(pixels, [60, 28, 28]));
      await labels.set(
        [],
        Uint8Array.from({ length: 60 }, (_, i) => i % 10),
      );
      await arrays.dataset('mnist', { images, labels });
      const ds = await arrays.openDataset('mnist');
      expect(ds.length).toBe(60);
      expect(mean((await ds.arrays['images']?.get([])) as Numbers)).toBe(
        pixels.reduce((a, b) => a + b, 0) / pixels.length,
      );
      expect(await ds.arrays['labels']?.get([-1])).toBe(9);
    },
  },
  {
    name: 'test_dynamic_array: records have shapes of their own, and a selection the largest of them',
    run: async (arrays) => {
      const x = await arrays.array('test/dynamic', {
        shape: [10, 8, 6, 14],
        chunk: [5, 4, 3, 7],
        dtype: 'uint8',
        recordAxes: 2,
      });
      expect([await x.shapeOf([5, 3]), x.shapes?.shape]).toEqual([
        [6, 14],
        [10, 8, 2],
      ]);
      await x.shapes?.set([slice(0, 10), slice(0, 5)], [2, 12]);
      await x.shapes?.set([slice(0, 10), slice(5, 8)], [6, 14]);
      expect((await x.get([5, 3, null, null])).shape).toEqual([2, 12]);
      expect((await x.get([5, 6, null, null])).shape).toEqual([6, 14]);
      expect((await x.get([5, slice(4, 6), null, null])).shape).toEqual([2, 6, 14]);
      await x.set([5, 3], ones([2, 12]));
      const again = await arrays.openArray('test/dynamic');
      expect(sum((await again.get([5])) as Numbers)).toBe(24);
      expect(await again.shapeOf([5, 3])).toEqual([2, 12]);
      await expect(again.set([5, 3], ones([3, 12]))).rejects.toThrow(
        failure('INVALID_ARGUMENT', /\[3, 12\].*\[2, 12\]/u),
      );
    },
  },
  {
    name: 'test_dataset: components are read and written by name and slice, also when it is opened anew',
    run: async (arrays) => {
      const input = await arrays.array('test/example:input', {
        shape: [100, 25, 25],
        chunk: [20, 5, 5],
        dtype: 'uint8',
      });
      const label = await arrays.array('test/example:label', { shape: [100, 4], chunk: [20, 2], dtype: 'uint8' });
      const ds = await arrays.dataset('test/dataset:train', { input, label });
      await ds.arrays.input.set([slice(1, 3)], ones([2, 25, 25]));
      expect(mean(await ds.arrays.input.get([slice(1, 3)]))).toBe(1);
      await ds.set('label', [slice(1, 3)], ones([2, 4]));
      const again = await arrays.openDataset('test/dataset:train');
      expect([again.length, Object.keys(again.arrays)]).toEqual([100, ['input', 'label']]);
      expect(sum((await again.arrays['label']?.get([])) as Numbers)).toBe(8);
      await expect(again.set('labels', [0], 1)).rejects.toThrow(failure('INVALID_ARGUMENT', /did you mean "label"/u));
    },
  },
];

type Numbers = { readonly data: ArrayLike<number | bigint>; readonly shape: readonly number[] };

const example = (arrays: Arrays) =>
  arrays.array('test/example:1', { shape: [10, 10, 10, 10], chunk: [5, 5, 5, 5], dtype: 'uint8' });

const ones = (shape: readonly number[]) => ndarray(new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);
const sum = ({ data }: Numbers): number => Array.from(data, Number).reduce((a, b) => a + b, 0);
const mean = (array: Numbers): number => sum(array) / array.data.length;
