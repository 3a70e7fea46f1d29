import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { arrayType, convertElements, float16ToNumber } from '@dataref/core/adapter';
import { describeShape } from '../selection/describe.js';
import { quotient } from '../selection/resolve.js';
import type { Operand } from './operand.js';

type Elements = ArrayTypes[NumericDType];

/**
 * Elements of an operand in another dtype, not copied where it is the same.
 * @param isForced whether what the dtype cannot hold becomes something else, as numpy's `astype` has it
 * @throws DataRefError LOSSY_CAST with the first element that the dtype cannot hold, and its place in the operand
 */
export function castValue<D extends NumericDType>(
  what: string,
  dtype: D,
  operand: Operand,
  isForced: boolean,
): ArrayTypes[D] {
  if (operand.dtype === dtype) return operand.data as ArrayTypes[D];
  const out = new (arrayType(dtype))(operand.data.length);
  if (isForced) forceElements(operand.data, operand.dtype, out, dtype);
  else convertElements(operand.data, operand.dtype, out, { dtype }, (i) => refuseElement(what, dtype, operand, i));
  return out as ArrayTypes[D];
}

function forceElements(from: Elements, dtype: NumericDType, out: Elements, target: NumericDType): void {
  if (target === 'float16' || target === 'float32' || target === 'float64') {
    convertElements(from, dtype, out, { dtype: target }, () => undefined);
    return;
  }
  const valueOf: (i: number) => number | bigint =
    dtype === 'float16' ? (i) => float16ToNumber(from[i] as number) : (i) => from[i] as number | bigint;
  const store: (value: number | bigint) => number | bigint =
    target === 'bool'
      ? (value) => (Number(value) === 0 ? 0 : 1)
      : target === 'int64' || target === 'uint64'
        ? (value) => (typeof value === 'bigint' ? value : BigInt(Number.isFinite(value) ? Math.trunc(value) : 0))
        : (value) => (typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value);
  // An integer's array keeps the lowest bits of what is put into it.
  for (let i = 0; i < from.length; i++) out[i] = store(valueOf(i)) as never;
}

function refuseElement(what: string, dtype: NumericDType, { data, dtype: given, shape }: Operand, i: number): never {
  const element = data[i] as number | bigint;
  const value = given === 'float16' ? float16ToNumber(element as number) : element;
  const shown = typeof value === 'bigint' ? `${value}n` : String(value);
  const place = placeOf(i, shape);
  const where = place.length === 0 ? 'is' : `has at ${describeShape(place)}`;
  throw new DataRefError(
    'LOSSY_CAST',
    `${what}: the value (${given}${describeShape(shape)}) ${where} ${shown}, which ${dtype} cannot hold; change it before, or convert as numpy's astype does with { cast: true }`,
    { details: { value: shown, place, dtype, valueDType: given, valueShape: shape } },
  );
}

/** Indices of the element that is number `i` in C order. */
function placeOf(i: number, shape: readonly number[]): number[] {
  const place = new Array<number>(shape.length);
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number;
    place[d] = i % size;
    i = quotient(i, size);
  }
  return place;
}
