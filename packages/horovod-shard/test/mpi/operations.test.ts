import { expect, test } from '@jest/globals';
import { partsOf } from '../../dist/mpi/operations.js';
import { fromOrdered, toOrdered } from '../../dist/mpi/total-order.js';

const ORDER = [-Infinity, -3.5, -1e-40, -0, 0, 1e-40, 2, Infinity];

test.each([
  ['max', [...ORDER, NaN]],
  ['min', [NaN, ...ORDER]],
] as const)('for %s, floats in order are integers in order, and come back as they were', (reduction, order) => {
  const floats = Float32Array.from(order);
  toOrdered(floats, reduction);
  const integers = Array.from(new Int32Array(floats.buffer));
  expect(integers).toEqual(integers.toSorted((a, b) => a - b));
  fromOrdered(floats);
  expect(floats).toEqual(Float32Array.from(order));

  const doubles = Float64Array.from(order);
  toOrdered(doubles, reduction);
  const longs = Array.from(new BigInt64Array(doubles.buffer));
  expect(longs).toEqual(longs.toSorted((a, b) => Number(a > b) - Number(a < b)));
  fromOrdered(doubles);
  expect(doubles).toEqual(Float64Array.from(order));
});

test('NaNs of other bits are as any NaN', () => {
  const values = new Float32Array(1);
  const bits = new Uint32Array(values.buffer);
  bits[0] = 0xffff_ffff;
  toOrdered(values, 'max');
  expect(bits[0]).toBe(0x7fc0_0000);
});

test('arrays go in parts of so many bytes, each once', () => {
  const values = Float64Array.from({ length: 10 }, (_, i) => i).subarray(1);
  const parts = Array.from(partsOf(values, 32));
  expect(parts.map((part) => Array.from(part))).toEqual([[1, 2, 3, 4], [5, 6, 7, 8], [9]]);
  expect(parts.every((part) => part.buffer === values.buffer)).toBe(true);
  expect(Array.from(partsOf(values))).toEqual([values]);
  expect(Array.from(partsOf(new Float32Array(0)))).toEqual([]);
});
