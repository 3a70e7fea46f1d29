import { DataRefError } from '@dataref/core';
import { describeValue, dtypeOfArray, isNDArray } from '@dataref/core/adapter';
import { sizeOf } from '../metadata/limits.js';

/** How many places of the first axis values take. @throws DataRefError INVALID_ARGUMENT where that cannot be told */
export function appendedLength(values: unknown, [length, ...rest]: readonly number[]): number {
  const refuse = (problem: string): never => {
    throw new DataRefError('INVALID_ARGUMENT', `append: ${problem}`, { details: { shape: rest } });
  };
  if (length === undefined) return refuse('an array without axes has nothing to append to');
  const record = `[${rest.join(', ')}]`;
  if (dtypeOfArray(values) !== undefined) {
    const { length: given } = values as { readonly length: number };
    const size = sizeOf(rest);
    if (size > 0 && given % size === 0) return given / size;
    return refuse(
      `records have the shape ${record}, ${size} values each, and ${given} values are no whole number of them`,
    );
  }
  if (isNDArray(values)) {
    if (values.shape.length === rest.length + 1) return values.shape[0] as number;
    return refuse(
      `needs records one after another, [n, ${rest.join(', ')}], got the shape [${values.shape.join(', ')}]`,
    );
  }
  if (Array.isArray(values)) return values.length;
  return refuse(
    `needs an NDArray, a typed array or nested arrays of records of the shape ${record}, got ${describeValue(values)}`,
  );
}
