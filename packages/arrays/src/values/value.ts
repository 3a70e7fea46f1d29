import { DataRefError, type ArrayTypes, type NDArray, type NumericDType, type TypedArray } from '@dataref/core';
import { describeShape } from '../selection/describe.js';
import type { ResolvedSelection } from '../selection/resolve.js';
import { broadcastStrides } from './broadcast.js';
import { castValue } from './cast.js';
import { operandOf, type Operand } from './operand.js';

/** Numbers, bigints or booleans in lists of lists, of any depth. */
export type NestedValue = readonly (number | bigint | boolean | NestedValue)[];

/**
 * What may be written. One value is written everywhere. A typed array is in C order where it has as many elements as are
 * selected, and of one axis else; it is of the dtype that its class stands for, or of the array's own where that is bool
 * (bytes of 0 and 1) or float16 (a Uint16Array of bits).
 */
export type ArrayValue<D extends NumericDType = NumericDType> =
  number | bigint | boolean | ArrayTypes[D] | TypedArray | NDArray | NestedValue;

/** A value as it is to be written: elements of the array's dtype, repeated where a stride is 0. */
export interface BroadcastValue<D extends NumericDType = NumericDType> {
  readonly data: ArrayTypes[D];
  /** Elements from one place to the next along each axis of the selection's shape. */
  readonly strides: readonly number[];
}

export interface ValueOptions {
  /** Whether values that the dtype cannot hold become others, as in numpy's `astype`; false by default: they are refused. */
  readonly cast?: boolean | undefined;
}

/**
 * A value checked against what is selected, broadcast and converted to the array's dtype. It is over the memory of what
 * was given where that has the dtype already.
 *
 * Without `cast` a conversion keeps every number, but for floats that round to the dtype's precision: integers and bools
 * must be exactly what they were, and what is finite stays so. With it floats lose their fraction, integers keep their
 * lowest bits (those that NaN and infinity become are 0), large numbers become infinite, and all but 0 is true.
 * @param what the call, for errors
 * @throws DataRefError INVALID_ARGUMENT for a value whose shape does not broadcast (the message has both), or what is no
 *   value; RAGGED for lists of differing lengths; MIXED_DTYPES for bigints among numbers; LOSSY_CAST with the first
 *   element that does not fit, and its place
 * @see https://numpy.org/doc/stable/reference/generated/numpy.ndarray.astype.html
 */
export function resolveValue<D extends NumericDType>(
  what: string,
  dtype: D,
  selection: Pick<ResolvedSelection, 'shape' | 'text'>,
  value: ArrayValue<D>,
  { cast = false }: ValueOptions = {},
): BroadcastValue<D> {
  const { shape, text } = selection;
  const operand = operandOf(what, dtype, shape, value);
  const strides = broadcastStrides(operand.shape, shape) ?? refuseShape(what, dtype, operand, shape, text);
  return { data: castValue(what, dtype, operand, cast), strides };
}

function refuseShape(what: string, dtype: NumericDType, given: Operand, shape: readonly number[], text: string): never {
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${what}: a value of shape ${describeShape(given.shape)} (${given.dtype}) cannot be written into ${text}, which has the shape ${describeShape(shape)} (${dtype}); sizes must be equal, or 1 in the value`,
    { details: { valueShape: given.shape, shape, selection: text } },
  );
}
