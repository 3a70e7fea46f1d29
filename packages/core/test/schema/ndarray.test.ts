import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, ndarray } from '@dataref/core';
import { failure } from '../expect-error.js';

describe('ndarray', () => {
  test('is plain data over the array that was given', () => {
    const data = new Float32Array([1, 2, 3, 4, 5, 6]);
    const array = ndarray(data, [2, 3]);
    expect({ ...array }).toEqual({ dtype: 'float32', shape: [2, 3], data });
    expect(array.data).toBe(data);
    expect(structuredClone({ ...array })).toEqual({ dtype: 'float32', shape: [2, 3], data });
    expect(inspect(array)).toBe('NDArray float32[2,3] { 1, 2, 3, 4, 5, 6 }');
  });

  test('takes its dtype from the array’s class, or for bool and float16 from the third argument', () => {
    expect(ndarray(new BigUint64Array(2), [2]).dtype).toBe('uint64');
    expect(ndarray(new Uint8Array(2), [2], 'bool').dtype).toBe('bool');
    expect(ndarray(new Uint16Array(2), [2], 'float16').dtype).toBe('float16');
    const clamped = ndarray(new Uint8ClampedArray([7]), [1]);
    expect([clamped.dtype, clamped.data.constructor.name]).toEqual(['uint8', 'Uint8Array']);
  });

  test('may be a scalar, or empty', () => {
    expect(ndarray(new Int8Array(1), []).shape).toEqual([]);
    expect(ndarray(new Int8Array(0), [3, 0]).shape).toEqual([3, 0]);
  });

  test('refuses sizes and classes that disagree', () => {
    expect(() => ndarray(new Int8Array(5), [2, 3])).toThrow(failure('INVALID_ARGUMENT', /\[2, 3\] has 6.*has 5/));
    expect(() => ndarray(new Int8Array(2), [-2])).toThrow(failure('INVALID_ARGUMENT', /-2/));
    expect(() => ndarray(new Int8Array(2), [0.5, 4])).toThrow(failure('INVALID_ARGUMENT', /0\.5/));
    expect(() => ndarray(new Int32Array(2) as never, [2], 'int64')).toThrow(failure('INVALID_ARGUMENT', /int64 needs a BigInt64Array/)); // prettier-ignore
    expect(() => ndarray([1, 2] as never, [2])).toThrow(failure('INVALID_ARGUMENT', /typed array/));
    expect(() => ndarray(new Int8Array(2) as never, [2], 'int9' as never)).toThrow(failure('INVALID_ARGUMENT', /int9/));
  });
});

describe('field', () => {
  test('is a column’s dtype and shape', () => {
    expect(field('float32', [2, null])).toEqual({ dtype: 'float32', shape: [2, null] });
    expect(field('string')).toEqual({ dtype: 'string', shape: [] });
  });

  test('refuses what is no dtype or no shape', () => {
    expect(() => field('float' as never)).toThrow(failure('INVALID_ARGUMENT', /"float"/));
    expect(() => field('string' as never, [3])).toThrow(failure('INVALID_ARGUMENT', /no shape/));
    for (const size of [-1, 0.5, NaN]) expect(() => field('int8', [size])).toThrow(failure('INVALID_ARGUMENT', /size/));
    expect(() =>
      field(
        'int8',
        Array.from({ length: 33 }, () => 1),
      ),
    ).toThrow(failure('INVALID_ARGUMENT', /dimensions/));
    expect(() => field('float64', [2 ** 20, 2 ** 20])).toThrow(failure('INVALID_ARGUMENT', /2\^31/));
  });
});

test('a dataset shows itself in the console', () => {
  const data = fromColumns({ image: ndarray(new Uint8Array(8), [2, 2, 2]), label: new Uint8Array(2) });
  expect(inspect(data)).toBe('DataRef · 2 records · { image: uint8[2,2], label: uint8 }');
});
