import { DataRefError, invalidArgument, shown } from '../errors.js';
import { allocateElements, type Allocate, type ColumnData, type ElementArray } from '../schema/column-data.js';
import { elementBytes, isNumericDType, type NumericDType } from '../schema/dtypes.js';
import { float16ToNumber, numberToFloat16 } from '../schema/float16.js';
import { floatLimit, integerRange } from '../schema/scalar.js';
import { leavesOf, type Leaf } from '../schema/schema.js';

/** How a column is to be turned while it is read. */
export interface Conversion {
  readonly dtype: NumericDType;
  /** Multiplies each value; float targets only. */
  readonly scale?: number | undefined;
  /** Number of classes. */
  readonly oneHot?: number | undefined;
}

/**
 * The leaf that a conversion gives.
 * @throws DataRefError INVALID_ARGUMENT where the column cannot be converted so
 */
export function convertedLeaf(leaf: Leaf, to: Conversion): Leaf {
  const refuse = (problem: string): never => {
    throw invalidArgument(`column ${shown(leaf.name)} (${leaf.dtype}): ${problem}`, { column: leaf.name });
  };
  if (!isNumericDType(to.dtype)) return refuse(`no such dtype ${JSON.stringify(to.dtype)}`);
  if (leaf.kind === 'text')
    return refuse(`cannot become ${to.dtype}; decode or tokenize it with map first, or leave it out of columns`);
  if (to.scale !== undefined && !(to.dtype === 'float32' || to.dtype === 'float64'))
    return refuse('scale needs dtype float32 or float64');
  if (to.scale !== undefined && !(Math.abs(to.scale) < (floatLimit(to.dtype) as number)))
    return refuse(`scale is ${String(to.scale)}, not a finite number of ${to.dtype}`);
  if (to.oneHot === undefined) return leafLike(leaf, to.dtype, leaf.shape);
  if (leaf.kind !== 'fixed' || leaf.shape.length > 0 || leaf.dtype === 'float16' || leaf.dtype === 'bool') {
    return refuse('oneHot needs one class number a record, from 0: a scalar column');
  }
  if (to.scale !== undefined) return refuse('oneHot and scale exclude each other');
  if (!Number.isSafeInteger(to.oneHot) || to.oneHot < 1)
    return refuse(`oneHot is ${String(to.oneHot)}, not a number of classes ≥ 1`);
  return leafLike(leaf, to.dtype, [to.oneHot]);
}

function leafLike(leaf: Leaf, dtype: NumericDType, shape: readonly (number | null)[]): Leaf {
  return { ...(leavesOf({ dtype, shape })[0] as Leaf), name: leaf.name };
}

/** By the conversion, which is that of one column: a batch does not work it out anew. */
const converted = new WeakMap<Conversion, { readonly from: Leaf; readonly leaf: Leaf }>();
function leafOf(from: Leaf, to: Conversion): Leaf {
  const known = converted.get(to);
  if (known?.from === from) return known.leaf;
  const leaf = convertedLeaf(from, to);
  converted.set(to, { from, leaf });
  return leaf;
}

/**
 * A column converted into a new buffer.
 * @param indexOf the record that a row is, for errors
 * @throws DataRefError LOSSY_CAST for a value that the target cannot hold
 */
export function convertColumn(
  column: ColumnData,
  to: Conversion,
  allocate: Allocate,
  indexOf: (row: number) => number,
): ColumnData {
  const leaf = leafOf(column.leaf, to);
  const source = column.offsets === undefined ? column.data : column.data.subarray(0, column.offsets[column.length]);
  const lossy = (element: number): never => {
    const row = rowOf(column, element);
    throw lossyCast(column.leaf, to, source[element] as number | bigint, indexOf(row));
  };
  if (to.oneHot !== undefined) {
    const data = allocateElements(leaf, column.length * to.oneHot, allocate);
    oneHot(source, data, to, lossy);
    return { leaf, length: column.length, data };
  }
  const data = allocateElements(leaf, source.length, allocate);
  convertElements(source, column.leaf.dtype as NumericDType, data, to, lossy);
  return { ...column, leaf, data };
}

export function lossyCast(leaf: Leaf, to: Conversion, value: number | bigint, index: number): DataRefError {
  const target = to.oneHot === undefined ? to.dtype : `one of ${to.oneHot} classes`;
  const given = leaf.dtype === 'float16' ? float16ToNumber(value as number) : value;
  const scaled = to.scale === undefined ? '' : ` times ${to.scale}`;
  return new DataRefError(
    'LOSSY_CAST',
    `record ${index}: ${shown(leaf.name)} is ${given}${scaled}, which is not ${target}`,
    {
      details: { column: leaf.name, index, value: String(given) },
    },
  );
}

function oneHot(
  from: ArrayLike<number | bigint>,
  out: ElementArray,
  { dtype, oneHot: classes = 0 }: Conversion,
  lossy: (element: number) => never,
): void {
  const big = out instanceof BigInt64Array || out instanceof BigUint64Array;
  out.fill((big ? 0n : 0) as never);
  const one = big ? 1n : dtype === 'float16' ? numberToFloat16(1) : 1;
  for (let i = 0; i < from.length; i++) {
    const value = Number(from[i]);
    if (!(Number.isInteger(value) && value >= 0 && value < classes)) lossy(i);
    out[i * classes + value] = one as never;
  }
}

/**
 * Writes elements of one dtype into an array of another, rounded where floats are less precise.
 * @param lossy told of each element that the target cannot hold, where it does not throw: an infinite float is written
 *   then, and of integers nothing that means anything
 */
export function convertElements(
  from: ElementArray,
  dtype: NumericDType,
  out: ElementArray,
  to: Conversion,
  lossy: (element: number) => void,
): void {
  if (dtype === to.dtype && to.scale === undefined) {
    out.set(from as never);
  } else if (to.dtype === 'float32' || to.dtype === 'float64') {
    const floats = dtype === 'float16' ? Float32Array.from(from as Uint16Array, float16ToNumber) : from;
    toFloats(floats, out, to.dtype === 'float32' ? Math.fround(to.scale ?? 1) : (to.scale ?? 1), to.dtype);
  } else if (fitsHalves(dtype, to.dtype)) {
    toHalves(from as Int32Array, out);
  } else {
    const store = to.dtype === 'float16' ? numberToFloat16 : undefined;
    toIntegers(from, dtype, out, to.dtype, store, lossy);
  }
  if (mayOverflow(dtype, to)) refuseOverflow(from, dtype, out, to.dtype, lossy);
}

/** Whether a finite value of `dtype` can become an infinite one. */
export function mayOverflow(dtype: NumericDType, to: Conversion): boolean {
  const limit = floatLimit(to.dtype);
  if (limit === undefined || (dtype === to.dtype && to.scale === undefined)) return false;
  const most = floatLimit(dtype) ?? 2 ** (8 * elementBytes(dtype));
  return !(most * Math.abs(to.scale ?? 1) < limit);
}

/** Over a whole column at once: the loops that convert stay free of it. */
function refuseOverflow(
  from: ElementArray,
  dtype: NumericDType,
  out: ElementArray,
  target: NumericDType,
  lossy: (element: number) => void,
): void {
  const isHalf = target === 'float16';
  for (let i = 0; i < out.length; i++) {
    const made = out[i] as number;
    if (isHalf ? (made & 0x7c00) !== 0x7c00 : Number.isFinite(made)) continue;
    const given = dtype === 'float16' ? float16ToNumber(from[i] as number) : Number(from[i]);
    if (Number.isFinite(given)) lossy(i);
  }
}

/** float32 results are the float32 product of float32 factors, so that every way of reading gives the same bits. */
function toFloats(from: ElementArray, out: ElementArray, scale: number, dtype: NumericDType): void {
  if (from instanceof BigInt64Array || from instanceof BigUint64Array) {
    for (let i = 0; i < from.length; i++)
      out[i] = (dtype === 'float32' ? Math.fround(Number(from[i])) : Number(from[i])) * scale;
  } else if (dtype === 'float32') {
    for (let i = 0; i < from.length; i++) out[i] = Math.fround(from[i] as number) * scale;
  } else {
    for (let i = 0; i < from.length; i++) out[i] = (from[i] as number) * scale;
  }
}

/** Whether every value is an integer of at most 32 bits that the 64 bits of `target` can hold. */
function fitsHalves(dtype: NumericDType, target: NumericDType): boolean {
  if (target !== 'int64' && target !== 'uint64') return false;
  const [low = -1, high = Infinity] = dtype === 'bool' ? [0, 1] : (integerRange(dtype) ?? []);
  return high < 2 ** 32 && (target === 'int64' || low === 0);
}

/** 64 bits written as two halves of 32, the low one first: a BigInt for each element takes a hundred times as long. */
function toHalves(from: Int32Array | Uint32Array, out: ElementArray): void {
  const halves = new Int32Array(out.buffer, out.byteOffset, 2 * out.length);
  for (let i = 0; i < from.length; i++) {
    const value = from[i] as number;
    halves[2 * i] = value;
    halves[2 * i + 1] = value < 0 ? -1 : 0;
  }
}

function toIntegers(
  from: ElementArray,
  dtype: NumericDType,
  out: ElementArray,
  target: NumericDType,
  store: ((value: number) => number) | undefined,
  lossy: (element: number) => void,
): void {
  const big = target === 'int64' || target === 'uint64';
  const [low, high] = target === 'bool' ? [0, 1] : (integerRange(target) ?? [-Infinity, Infinity]);
  for (let i = 0; i < from.length; i++) {
    const element = from[i] as number | bigint;
    if (big) {
      const value =
        typeof element === 'bigint' ? element : integerOf(dtype === 'float16' ? float16ToNumber(element) : element);
      if (value === undefined || (target === 'int64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) !== value)
        lossy(i);
      else out[i] = value as never;
    } else {
      const value = dtype === 'float16' ? float16ToNumber(element as number) : Number(element);
      if (store === undefined && !(Number.isInteger(value) && value >= low && value <= high)) lossy(i);
      out[i] = (store === undefined ? value : store(value)) as never;
    }
  }
}

function integerOf(value: number): bigint | undefined {
  return Number.isInteger(value) ? BigInt(value) : undefined;
}

function rowOf({ leaf, offsets, length }: ColumnData, element: number): number {
  if (offsets === undefined) return Math.floor(element / Math.max(1, leaf.size));
  let row = 0;
  while (row < length - 1 && (offsets[row + 1] as number) <= element) row++;
  return row;
}
