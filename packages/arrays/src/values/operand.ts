import { DataRefError, type NDArray, type NumericDType, type TypedArray } from '@dataref/core';
import { checkedArray, describeValue, dtypeOfArray, isNDArray } from '@dataref/core/adapter';
import { MOST_AXES, sizeOf } from '../metadata/limits.js';
import { describeShape } from '../selection/describe.js';

/** What was given to be written, before it is converted: elements in C order. */
export type Operand = NDArray<NumericDType, readonly number[]>;

/**
 * A value as an array of a dtype of its own: numbers are float64, bigints int64 or uint64, booleans bool.
 * @param dtype of the array that it is written into
 * @param selected shape of what is written
 * @throws DataRefError INVALID_ARGUMENT, RAGGED, MIXED_DTYPES, LOSSY_CAST (a bigint beyond 64 bits)
 */
export function operandOf(what: string, dtype: NumericDType, selected: readonly number[], value: unknown): Operand {
  const checked = (data: unknown, shape: readonly number[], holds: NumericDType): Operand =>
    checkedArray(`${what}: the value`, data, shape, holds) as Operand;
  if (isNDArray(value)) return checked(value.data, value.shape as readonly number[], value.dtype);
  const given = dtypeOfArray(value);
  if (given !== undefined) {
    const { length } = value as TypedArray;
    const isBits = dtype === 'float16' && given === 'uint16';
    return checked(value, length === sizeOf(selected) ? selected : [length], isBits ? dtype : given);
  }
  if (ArrayBuffer.isView(value)) return refuse(what, value);
  return Array.isArray(value) ? fromLists(what, value) : arrayOf(what, [], [value]);
}

function fromLists(what: string, lists: readonly unknown[]): Operand {
  const shape: number[] = [];
  for (let level: unknown = lists; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > MOST_AXES)
      throw new DataRefError('INVALID_ARGUMENT', `${what}: the value's lists are more than ${MOST_AXES} deep`);
  }
  const leaves: unknown[] = [];
  const path: number[] = [];
  const collect = (level: unknown): void => {
    const wanted = shape[path.length];
    const length = Array.isArray(level) ? level.length : undefined;
    if (length !== wanted) refuseRagged(what, shape, path, level);
    if (length === undefined) leaves.push(level);
    for (let i = 0; i < (length ?? 0); i++) {
      path.push(i);
      collect((level as readonly unknown[])[i]);
      path.pop();
    }
  };
  collect(lists);
  return arrayOf(what, shape, leaves);
}

function refuseRagged(what: string, shape: readonly number[], place: readonly number[], found: unknown): never {
  const lists = (length: number | undefined): string => (length === undefined ? 'a value' : `a list of ${length}`);
  const is = Array.isArray(found) ? lists(found.length) : describeValue(found);
  throw new DataRefError(
    'RAGGED',
    `${what}: the value's lists differ: by the first ones its shape is ${describeShape(shape)}, and at ${describeShape(place)} it has ${is}, not ${lists(shape[place.length])}`,
    { details: { shape, place: [...place] } },
  );
}

function arrayOf(what: string, shape: readonly number[], leaves: readonly unknown[]): Operand {
  const kinds = new Set(leaves.map((leaf) => typeof leaf));
  for (const leaf of leaves) if (!KINDS.includes(typeof leaf)) refuse(what, leaf);
  if (kinds.has('bigint')) return bigArray(what, shape, leaves as readonly bigint[], kinds);
  const isBool = kinds.has('boolean') && kinds.size === 1;
  return isBool
    ? { dtype: 'bool', shape, data: Uint8Array.from(leaves as readonly boolean[], Number) }
    : { dtype: 'float64', shape, data: Float64Array.from(leaves as readonly (number | boolean)[], Number) };
}

const KINDS: readonly string[] = ['number', 'bigint', 'boolean'];

function bigArray(
  what: string,
  shape: readonly number[],
  leaves: readonly bigint[],
  kinds: ReadonlySet<string>,
): Operand {
  if (kinds.size > 1)
    throw new DataRefError(
      'MIXED_DTYPES',
      `${what}: the value's lists have bigints and ${kinds.has('number') ? 'numbers' : 'booleans'}; give one kind, such as BigInt(x) for each`,
    );
  if (leaves.every((leaf) => BigInt.asIntN(64, leaf) === leaf))
    return { dtype: 'int64', shape, data: BigInt64Array.from(leaves) };
  if (leaves.every((leaf) => BigInt.asUintN(64, leaf) === leaf))
    return { dtype: 'uint64', shape, data: BigUint64Array.from(leaves) };
  throw new DataRefError('LOSSY_CAST', `${what}: neither int64 nor uint64 holds every bigint of the value`);
}

function refuse(what: string, value: unknown): never {
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${what}: a value is a number, a bigint, a boolean, a typed array, an NDArray or lists of numbers, got ${describeValue(value)}`,
  );
}
