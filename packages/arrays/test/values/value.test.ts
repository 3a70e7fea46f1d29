import { expect, test } from '@jest/globals';
import { ndarray, type NumericDType } from '@dataref/core';
import { failure } from '../../../core/test/expect-error.js';
import { numberToFloat16 } from '../../../core/dist/schema/float16.js';
import { resolveValue, type ArrayValue, type ValueOptions } from '../../dist/values/value.js';

const written = (
  dtype: NumericDType,
  value: unknown,
  shape: readonly number[] = [],
  options?: ValueOptions,
): unknown[] =>
  Array.from(
    resolveValue('a', dtype, { shape, text: '[...]' }, value as ArrayValue, options).data as ArrayLike<unknown>,
  );

const CAST = { cast: true };

const LOSSY: readonly [NumericDType, unknown, unknown][] = [
  // what the dtype cannot hold, and what numpy's astype makes of it, or C's conversion modulo 2^n where numpy has no rule
  ['uint8', 300, 44],
  ['uint8', -1, 255],
  ['uint8', 3.5, 3],
  ['int8', -3.5, -3],
  ['int8', 128, -128],
  ['int16', NaN, 0],
  ['int32', Infinity, 0],
  ['uint32', 2 ** 32, 0],
  ['int32', 2n ** 62n + 7n, 7],
  ['uint64', -1, 2n ** 64n - 1n],
  ['uint64', -1n, 2n ** 64n - 1n],
  ['int64', 2 ** 63, -(2n ** 63n)],
  ['int64', 2n ** 63n, -(2n ** 63n)],
  ['int64', -2.7, -2n],
  ['int64', NaN, 0n],
  ['bool', 2, 1],
  ['bool', 0.5, 1],
  ['bool', NaN, 1],
  ['bool', -1n, 1],
  ['float16', 65520, numberToFloat16(Infinity)],
  ['float32', 1e39, Infinity],
  ['float32', -(2 ** 128), -Infinity],
];

test.each(LOSSY)('%s: %p is refused, and with cast becomes %p', (dtype, value, cast) => {
  expect(() => written(dtype, value)).toThrow(
    failure('LOSSY_CAST', new RegExp(`which ${dtype} cannot hold; .*cast: true`)),
  );
  expect(written(dtype, value, [], CAST)).toEqual([cast]);
});

const KEPT: readonly [NumericDType, unknown, unknown][] = [
  ['uint8', 3.0, 3],
  ['uint8', 255n, 255],
  ['uint8', true, 1],
  ['int8', -0, 0],
  ['int64', 2 ** 53, 2n ** 53n],
  ['int64', -(2 ** 63), -(2n ** 63n)],
  ['int64', true, 1n],
  ['uint64', 2n ** 64n - 1n, 2n ** 64n - 1n],
  ['bool', 1, 1],
  ['bool', 0n, 0],
  ['float16', 1 / 3, numberToFloat16(1 / 3)],
  ['float32', 0.1, Math.fround(0.1)],
  ['float32', NaN, NaN],
  ['float32', -0, -0],
  ['float64', 2n ** 53n + 1n, 2 ** 53],
  ['float64', -Infinity, -Infinity],
];

test.each(KEPT)('%s keeps %p, floats to their precision', (dtype, value, kept) => {
  expect(written(dtype, value)).toEqual([kept]);
  expect(written(dtype, value, [], CAST)).toEqual([kept]);
});

test('the first element that does not fit is named with its place, and the dtypes and shape that it was given in', () => {
  const value = ndarray(Float32Array.of(1, 2, 3, 4, 5.5, 6.5), [2, 3]);
  expect(() => written('int16', value, [7, 2, 3])).toThrow(
    failure('LOSSY_CAST', /a: the value \(float32\[2, 3\]\) has at \[1, 1\] 5\.5, which int16 cannot hold/),
  );
});

test('lists are arrays of numbers, of bigints or of booleans', () => {
  expect(written('int32', [[1, 2], [3, 4]], [2, 2])).toEqual([1, 2, 3, 4]); // prettier-ignore
  expect(written('float32', [1, true], [2])).toEqual([1, 1]);
  expect(written('uint8', [true, false], [2])).toEqual([1, 0]);
  expect(written('uint64', [2n ** 64n - 1n, 0n], [2])).toEqual([2n ** 64n - 1n, 0n]);
  expect(written('uint8', [[], []], [2, 0])).toEqual([]);
});

test('lists that are no array are refused, and never hang', () => {
  const endless: unknown[] = [];
  endless.push(endless);
  const cases: readonly [unknown, Parameters<typeof failure>[0], RegExp][] = [
    [[[1, 2], [3]], 'RAGGED', /shape is \[2, 2\], and at \[1\] it has a list of 1, not a list of 2/],
    [[[1, 2], 3], 'RAGGED', /at \[1\] it has 3, not a list of 2/],
    [[1, [2]], 'RAGGED', /at \[1\] it has a list of 1, not a value/],
    [[1, 'a'], 'INVALID_ARGUMENT', /got "a"/],
    [[1, undefined], 'INVALID_ARGUMENT', /got undefined/],
    [[1n, 2], 'MIXED_DTYPES', /bigints and numbers/],
    [[-1n, 2n ** 63n], 'LOSSY_CAST', /neither int64 nor uint64/],
    [endless, 'INVALID_ARGUMENT', /more than 64 deep/],
    ['12', 'INVALID_ARGUMENT', /a value is a number.*got "12"/],
    [null, 'INVALID_ARGUMENT', /got null/],
    [{}, 'INVALID_ARGUMENT', /got an object/],
    [new DataView(new ArrayBuffer(4)), 'INVALID_ARGUMENT', /got a DataView/],
    [
      { dtype: 'uint8', shape: [3], data: new Uint8Array(2) },
      'INVALID_ARGUMENT',
      /shape \[3\] has 3 elements, data has 2/,
    ],
  ];
  for (const [value, code, message] of cases)
    expect(() => written('int8', value, [2, 2])).toThrow(failure(code, message));
});

test('a plain array is in C order where it has as many elements as are selected, and of one axis else', () => {
  const strides = (length: number, shape: readonly number[]): unknown =>
    resolveValue('a', 'int8', { shape, text: '[:]' }, new Int8Array(length)).strides;
  expect(strides(6, [2, 3])).toEqual([3, 1]);
  expect(strides(3, [2, 3])).toEqual([0, 1]);
  expect(strides(2, [2, 1])).toEqual([1, 1]);
  expect(() => strides(2, [2, 3])).toThrow(failure('INVALID_ARGUMENT', /shape \[2\] \(int8\).*shape \[2, 3\]/));
});

test('plain arrays stand for their class’ dtype, and for bits where halves are written', () => {
  expect(written('float16', Uint16Array.of(0x3c00), [1])).toEqual([0x3c00]);
  expect(written('float16', ndarray(Uint16Array.of(2), [1]), [1])).toEqual([numberToFloat16(2)]);
  expect(written('bool', Uint8Array.of(1, 0), [2])).toEqual([1, 0]);
  expect(() => written('bool', Uint8Array.of(1, 2), [2])).toThrow(failure('LOSSY_CAST', /at \[1\] 2/));
  expect(written('bool', Uint8Array.of(1, 2), [2], CAST)).toEqual([1, 1]);
  expect(written('uint8', Uint8ClampedArray.of(7), [1])).toEqual([7]);
});

test('a value of the dtype itself is not copied', () => {
  const data = new Float32Array(6);
  expect(resolveValue('a', 'float32', { shape: [4, 2, 3], text: '[:]' }, ndarray(data, [2, 3])).data).toBe(data);
});
