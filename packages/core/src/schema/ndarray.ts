import { describeValue } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import {
  arrayType,
  dtypeOfArray,
  isGone,
  isNumericDType,
  isTypedArray,
  type ArrayTypes,
  type NumericDType,
  type TypedArray,
} from './dtypes.js';
import type { DTypeOf, Shape } from './types.js';

export { describeValue };

/** What to say of an array of the user's whose memory is gone. */
export const GONE =
  'the buffer of its array was transferred to another thread, released or made smaller; give a copy, array.slice()';

/** What to say of bytes that are no bools. */
export const NO_BOOLEANS =
  'bools are bytes of 0 and 1, and its array has others; give Uint8Array.from(data, (x) => (x ? 1 : 0)), or another dtype';

/** Plain data (survives structuredClone and worker messages): C order, no strides. */
export interface NDArray<D extends NumericDType = NumericDType, S extends Shape = Shape> {
  readonly dtype: D;
  readonly shape: S;
  readonly data: ArrayTypes[D];
}

/** What `ndarray` makes: own properties only, and a short form in the console. */
export class DenseArray {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly data: ArrayTypes[NumericDType];

  constructor(dtype: NumericDType, shape: readonly number[], data: ArrayTypes[NumericDType]) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const shown = Array.from(this.data.subarray(0, 6) as ArrayLike<unknown>, String).join(', ');
    return `NDArray ${this.dtype}[${this.shape.join(',')}] { ${shown}${this.data.length > 6 ? ', …' : ''} }`;
  }
}

/**
 * An array with a shape over `data`, which is not copied.
 * @param data elements in C order, as many as the product of `shape`
 * @param shape sizes of the dimensions, integers ≥ 0; `[]` for a scalar
 * @param dtype needed where the array's class does not tell: `'bool'` (Uint8Array of 0 and 1), `'float16'` (Uint16Array of bits)
 * @throws DataRefError INVALID_ARGUMENT when sizes disagree, or the class of `data` cannot hold `dtype`
 */
export function ndarray<A extends TypedArray, const S extends readonly number[]>(
  data: A,
  shape: S,
): NDArray<DTypeOf<A>, S>;
export function ndarray<D extends NumericDType, const S extends readonly number[]>(
  data: ArrayTypes[D],
  shape: S,
  dtype: D,
): NDArray<D, S>;
export function ndarray(data: TypedArray, shape: readonly number[], dtype?: NumericDType): NDArray {
  return checkedArray('ndarray', data, shape, dtype);
}

/**
 * What `ndarray` gives, of what may be anything.
 * @param what the call, or the column, for errors
 * @throws DataRefError INVALID_ARGUMENT with `details`
 */
export function checkedArray(
  what: string,
  data: unknown,
  shape: readonly number[],
  dtype?: NumericDType,
  details?: Readonly<Record<string, unknown>>,
): NDArray {
  const refuse = (problem: string): never => {
    throw invalidArgument(`${what}: ${problem}`, details);
  };
  const given = dtypeOfArray(data) ?? refuse(`data must be a typed array, got ${describeValue(data)}`);
  const is = dtype ?? given;
  if (!isNumericDType(is)) return refuse(`no such dtype ${JSON.stringify(dtype)}`);
  const holds = storageDType(is);
  if (holds !== storageDType(given)) refuse(`${is} needs a ${arrayTypeName(is)}, got a ${arrayTypeName(given)}`);
  const array = data as TypedArray;
  if (isGone(array)) refuse(GONE);
  if (!Array.isArray(shape) && !isTypedArray(shape))
    refuse(`the shape must be a list of sizes, such as ndarray(data, [${array.length}]), got ${describeValue(shape)}`);
  const sizes = [...shape];
  const wrong = sizes.findIndex((n) => !isSize(n));
  if (wrong >= 0) refuse(`sizes of a shape are integers ≥ 0, got ${describeValue(sizes[wrong])}`);
  const size = sizes.reduce((product, n) => product * n, 1);
  if (size !== array.length) refuse(`shape [${sizes.join(', ')}] has ${size} elements, data has ${array.length}`);
  if (is === 'bool' && !areBooleans(array as Uint8Array)) refuse(NO_BOOLEANS);
  const plain = holds !== given || isForeign(array) ? new (arrayType(is))(array.buffer, array.byteOffset, size) : array;
  return new DenseArray(is, sizes, plain as ArrayTypes[NumericDType]);
}

/** Whether something is a dimension's size. */
export function isSize(n: unknown): boolean {
  return Number.isSafeInteger(n) && (n as number) >= 0;
}

/** Whether bytes are bools, 0 or 1 each. */
export function areBooleans(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= 1);
}

export function isNDArray(value: unknown): value is NDArray {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data } = value as { dtype?: unknown; shape?: unknown; data?: unknown };
  return typeof dtype === 'string' && Array.isArray(shape) && ArrayBuffer.isView(data);
}

/** The dtype whose array class also holds `dtype`: uint8 for bool, uint16 for float16. */
export function storageDType(dtype: NumericDType): NumericDType {
  return dtype === 'bool' ? 'uint8' : dtype === 'float16' ? 'uint16' : dtype;
}

function arrayTypeName(dtype: NumericDType): string {
  return (arrayType(dtype) as unknown as { name: string }).name;
}

/** Uint8ClampedArray and Float16Array are kept as the plain array of the same bits. */
function isForeign(data: ArrayBufferView): boolean {
  const tag = Object.prototype.toString.call(data);
  return tag === '[object Uint8ClampedArray]' || tag === '[object Float16Array]';
}
