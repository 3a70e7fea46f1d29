import { DataRefError } from '../errors.js';
import type { NumericDType } from './dtypes.js';
import { numberToFloat16 } from './float16.js';
import { describeValue } from './ndarray.js';
import type { Leaf } from './schema.js';

const INTEGER_RANGES: Partial<Record<NumericDType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};
const BIG_RANGES: Partial<Record<NumericDType, readonly [bigint, bigint]>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Lowest and highest value of an integer dtype of up to 32 bits; undefined for others. */
export function integerRange(dtype: NumericDType): readonly [number, number] | undefined {
  return INTEGER_RANGES[dtype];
}

/** From this magnitude on a number is nearer to infinity than to the dtype's largest. */
const FLOAT_LIMITS: Partial<Record<NumericDType, number>> = {
  float16: 65520,
  float32: 2 ** 128 - 2 ** 103,
  float64: Infinity,
};

/** The least magnitude that a float dtype can no longer hold; undefined for others. */
export function floatLimit(dtype: NumericDType): number | undefined {
  return FLOAT_LIMITS[dtype];
}

/**
 * A scalar of a record as the element that is stored. Floats round to the dtype's precision; infinities stay, and what
 * is finite must fit, as integers must.
 * @throws DataRefError SCHEMA_MISMATCH for another kind of value, LOSSY_CAST for a number out of range
 */
export function toElement(leaf: Leaf, value: unknown, index: number): number | bigint {
  const dtype = leaf.dtype as NumericDType;
  if (dtype === 'bool') {
    if (typeof value !== 'boolean') throw wrongKind(leaf, value, index, 'a boolean');
    return value ? 1 : 0;
  }
  const big = BIG_RANGES[dtype];
  if (big !== undefined) {
    if (typeof value !== 'bigint') throw wrongKind(leaf, value, index, 'a bigint, such as 1n or BigInt(1)');
    if (value < big[0] || value > big[1]) throw outOfRange(leaf, value, index);
    return value;
  }
  if (typeof value !== 'number') throw wrongKind(leaf, value, index, 'a number');
  const range = INTEGER_RANGES[dtype];
  if (range !== undefined && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) {
    throw outOfRange(leaf, value, index);
  }
  if (dtype === 'float64' || range !== undefined) return value;
  const magnitude = Math.abs(value);
  if (magnitude >= (FLOAT_LIMITS[dtype] as number) && magnitude < Infinity) throw outOfRange(leaf, value, index);
  return dtype === 'float16' ? numberToFloat16(value) : value;
}

function wrongKind(leaf: Leaf, value: unknown, index: number, wanted: string): DataRefError {
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `record ${index}: ${leaf.name} is ${leaf.dtype} and needs ${wanted}, got ${describeValue(value)}`,
    {
      details: { column: leaf.name, index },
    },
  );
}

function outOfRange(leaf: Leaf, value: number | bigint, index: number): DataRefError {
  return new DataRefError(
    'LOSSY_CAST',
    `record ${index}: ${leaf.name} is ${leaf.dtype}, which cannot hold ${describeValue(value)}`,
    {
      details: { column: leaf.name, index },
    },
  );
}
