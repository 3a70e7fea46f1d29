import { shownNumber } from '../arguments.js';
import { DataRefError } from '../errors.js';

/** Seeds and, for all but the permutation, epochs run to here, so that their sum is exact in a double. */
export const MAX_SEED = 2 ** 52;

/**
 * Nothing, when `value` is an integer minimum..maximum.
 * @throws DataRefError `INVALID_ARGUMENT` otherwise, naming the argument and its range
 */
export function checkInteger(name: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${name} must be an integer ${minimum}..${maximum}, got ${shownNumber(value)}`,
    );
  }
}

/**
 * Nothing, when positions start, start + stride, … (count of them) lie in an order of `length` and their indices fit in `out` at `offset`.
 * @throws DataRefError `INVALID_ARGUMENT` otherwise
 */
export function checkFill(
  length: number,
  out: Uint32Array | Float64Array,
  offset: number,
  count: number,
  start: number,
  stride: number,
): void {
  checkInteger('offset', offset, 0, out.length);
  checkInteger('count', count, 0, out.length - offset);
  checkInteger('start', start, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('stride', stride, 1, Number.MAX_SAFE_INTEGER);
  if (count === 0) return;
  // Above 2^53 the product may be rounded, but never to below a length.
  const last = start + (count - 1) * stride;
  if (last >= length) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `position ${last} is outside an order of ${length} records: positions are 0..${length - 1}`,
    );
  }
  if (length > 2 ** 32 && out.BYTES_PER_ELEMENT === 4) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `indices of ${length} records do not fit a Uint32Array: give a Float64Array`,
    );
  }
}
