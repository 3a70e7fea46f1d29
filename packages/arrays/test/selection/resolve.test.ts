import { expect, test } from '@jest/globals';
import { slice, type Index } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { resolveSelection } from '../../dist/selection/resolve.js';

test('a selection says of every axis where it starts, steps and ends', () => {
  expect(resolveSelection('a', [5, 4, 3], [-1, slice(1, 99, 2)])).toEqual({
    axes: [
      { start: 4, step: 1, count: 1, isSqueezed: true },
      { start: 1, step: 2, count: 2, isSqueezed: false },
      { start: 0, step: 1, count: 3, isSqueezed: false },
    ],
    shape: [2, 3],
    isScalar: false,
    text: '[-1, 1:99:2]',
  });
});

test('bounds beyond all numbers of an axis are clamped, and steps beyond it give one place', () => {
  const [axis] = resolveSelection('a', [2 ** 53 - 1], [slice(-1e300, 1e300, 1e300)]).axes;
  expect(axis).toEqual({ start: 0, step: 1e300, count: 1, isSqueezed: false });
  const [thirds] = resolveSelection('a', [2 ** 53 - 1], [slice(null, null, 3)]).axes;
  expect(thirds?.count).toBe(Number((2n ** 53n + 1n) / 3n));
});

const REFUSED: readonly [string, unknown, 'INVALID_ARGUMENT' | 'OUT_OF_RANGE', RegExp][] = [
  [
    'beyond the end',
    [5],
    'OUT_OF_RANGE',
    /x: the index of axis 0 is 5, .* places 0 to 4 \(-1 to -5 .*selection is \[5\], the shape \[5, 2\]/,
  ],
  ['before the start', [0, -3], 'OUT_OF_RANGE', /axis 1 is -3.*\[0, -3\]/],
  ['too many', [0, 0, null, 1], 'INVALID_ARGUMENT', /4 indices, and the array has 2 axes.*\[0, 0, :, 1\]/],
  ['two ellipses', ['...', 0, '...'], 'INVALID_ARGUMENT', /one '\.\.\.' only.*\[\.\.\., 0, \.\.\.\]/],
  [
    'a negative step',
    [slice(null, null, -1)],
    'INVALID_ARGUMENT',
    /step of the index of axis 0 must be 1 or more, got -1.*\[::-1\]/,
  ],
  ['no step', [slice(0, 2, 0)], 'INVALID_ARGUMENT', /got 0.*\[0:2:0\]/],
  ['a fraction', ['...', 0.5], 'INVALID_ARGUMENT', /axis 1 must be an integer.*got 0\.5/],
  ['NaN', [NaN], 'INVALID_ARGUMENT', /got NaN/],
  ['infinity', [Infinity], 'INVALID_ARGUMENT', /got Infinity/],
  ['a bound of infinity', [slice(0, Infinity)], 'INVALID_ARGUMENT', /stop of the index of axis 0.*got Infinity/],
  ['a boolean', [true], 'INVALID_ARGUMENT', /got true/],
  ['a bigint', [1n], 'INVALID_ARGUMENT', /got 1n/],
  ['a string', ['1'], 'INVALID_ARGUMENT', /got "1"/],
  ['a list', [[0, 1]], 'INVALID_ARGUMENT', /got an array of 2/],
  ['a hole', new Array(1), 'INVALID_ARGUMENT', /got undefined/],
  ['another object', [{ from: 1 }], 'INVALID_ARGUMENT', /start of the index of axis 0.*got undefined/],
  ['no list', 0, 'INVALID_ARGUMENT', /a selection is an array of indices/],
  ['nothing', undefined, 'INVALID_ARGUMENT', /The selection is undefined, the shape \[5, 2\]/],
];

test.each(REFUSED)('%s is refused with the selection and the shape', (_, selection, code, message) => {
  expect(() => resolveSelection('x', [5, 2], selection as readonly Index[])).toThrow(failure(code, message));
});

test('an axis without places has no index', () => {
  expect(() => resolveSelection('x', [0], [0])).toThrow(failure('OUT_OF_RANGE', /axis is empty/));
  expect(resolveSelection('x', [0], [slice(-1, 5)]).shape).toEqual([0]);
});
