import { DataRefError } from '../errors.js';
import { arrayType, bytesOf, type ArrayTypes, type NumericDType } from './dtypes.js';
import { float16ToNumber } from './float16.js';
import { DenseArray } from './ndarray.js';
import type { Leaf } from './schema.js';

export type ElementArray = ArrayTypes[NumericDType];
export type OffsetArray = Uint32Array | Float64Array;

/**
 * `length` rows of one leaf as contiguous buffers, the one form that columns have inside: in memory, in parts, in batches.
 * Fixed leaves have `data` alone. Others have `offsets`: row i is elements offsets[i] to offsets[i+1] of `data`
 * (bytes of UTF-8 for strings). Ragged leaves of rank ≥ 2 also have `shapes`, rank numbers a row.
 */
export interface ColumnData {
  readonly leaf: Leaf;
  readonly length: number;
  readonly data: ElementArray;
  readonly offsets?: OffsetArray | undefined;
  readonly shapes?: Int32Array | undefined;
}

/** Makes the buffers of a batch: fresh ones, or recycled ones. */
export type Allocate = (byteLength: number) => ArrayBuffer;

interface HostBuffer {
  allocUnsafeSlow(byteLength: number): { readonly buffer: ArrayBuffer };
}
const hostBuffer = (globalThis as { readonly Buffer?: HostBuffer }).Buffer;

const allocateHere: Allocate =
  hostBuffer === undefined
    ? (byteLength) => new ArrayBuffer(byteLength)
    : (byteLength) => hostBuffer.allocUnsafeSlow(byteLength).buffer;

/**
 * A buffer of its own, in Node not cleared: whoever asks for one writes all of it.
 * @throws DataRefError MEMORY_LIMIT where the runtime gives none so large
 */
export const allocateFresh: Allocate = (byteLength) => {
  try {
    return allocateHere(byteLength);
  } catch (error) {
    throw new DataRefError(
      'MEMORY_LIMIT',
      `one column of a batch would have ${byteLength} bytes, and the runtime gives no such buffer: make batches smaller, or read fewer records at once`,
      { cause: error, details: { byteLength } },
    );
  }
};

/** `count` elements of a leaf's array type in a buffer from `allocate`. Not cleared when recycled. */
export function allocateElements(leaf: Leaf, count: number, allocate: Allocate): ElementArray {
  return new (arrayType(leaf.dtype))(allocate(count * leaf.elementBytes), 0, count);
}

/** Bytes of the elements of columns. */
export function columnBytes(columns: readonly ColumnData[]): number {
  return columns.reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Rows start to end, without a copy. */
export function sliceColumn(column: ColumnData, start: number, end: number): ColumnData {
  const { leaf, data, offsets, shapes } = column;
  if (offsets === undefined) {
    return { leaf, length: end - start, data: data.subarray(start * leaf.size, end * leaf.size) };
  }
  const rank = leaf.shape.length;
  return {
    leaf,
    length: end - start,
    data,
    offsets: offsets.subarray(start, end + 1),
    shapes: shapes?.subarray(start * rank, end * rank),
  };
}

/** Rows `indices` of a column, copied one after another into new buffers. */
export function gatherColumn(column: ColumnData, indices: ArrayLike<number>, allocate: Allocate): ColumnData {
  return column.offsets === undefined
    ? gatherFixed(column, indices, allocate)
    : gatherVariable(column, indices, allocate);
}

/** Elements to be copied one by one: a float32 that goes through a number may come out as another NaN. */
export function elementBits({ dtype }: Leaf, data: ElementArray): ElementArray {
  return dtype === 'float32' ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
}

function gatherFixed({ leaf, data }: ColumnData, indices: ArrayLike<number>, allocate: Allocate): ColumnData {
  const { size } = leaf;
  const count = indices.length;
  const out = allocateElements(leaf, count * size, allocate);
  if (size === 1) {
    const [from, to] = [elementBits(leaf, data), elementBits(leaf, out)];
    for (let i = 0; i < count; i++) to[i] = from[indices[i] as number] as never;
  } else if (size > 0) {
    // Views of bytes, whatever the dtype: V8 knows their class, and makes them in a fraction of the time.
    const { buffer, byteOffset } = data;
    const { recordBytes } = leaf;
    const bytes = bytesOf(out);
    for (let i = 0; i < count; i++)
      bytes.set(
        new Uint8Array(buffer, byteOffset + (indices[i] as number) * recordBytes, recordBytes),
        i * recordBytes,
      );
  }
  return { leaf, length: count, data: out };
}

function gatherVariable(column: ColumnData, indices: ArrayLike<number>, allocate: Allocate): ColumnData {
  const { leaf, data, shapes } = column;
  const from = column.offsets as OffsetArray;
  const count = indices.length;
  const rank = leaf.shape.length;
  const offsets = offsetsFor(from, indices);
  const out = allocateElements(leaf, offsets[count] as number, allocate);
  const outShapes = shapes === undefined ? undefined : new Int32Array(count * rank);
  for (let i = 0; i < count; i++) {
    const index = indices[i] as number;
    out.set(data.subarray(from[index], from[index + 1]) as never, offsets[i]);
    if (outShapes !== undefined)
      outShapes.set((shapes as Int32Array).subarray(index * rank, (index + 1) * rank), i * rank);
  }
  return { leaf, length: count, data: out, offsets, shapes: outShapes };
}

/** Offsets of rows `indices` packed one after another. */
export function offsetsFor(offsets: OffsetArray, indices: ArrayLike<number>): OffsetArray {
  const count = indices.length;
  const packed = new Float64Array(count + 1);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const index = indices[i] as number;
    total += (offsets[index + 1] as number) - (offsets[index] as number);
    packed[i + 1] = total;
  }
  return packed;
}

// A byte order mark that was submitted is part of the text.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Row `i` as a record shows it: a scalar, a string, bytes, or an NDArray over the column's own memory. */
export function valueAt(column: ColumnData, i: number): unknown {
  const { leaf, data } = column;
  if (leaf.kind === 'text') {
    const bytes = data.subarray(column.offsets?.[i], column.offsets?.[i + 1]) as Uint8Array;
    return leaf.dtype === 'string' ? utf8.decode(bytes) : bytes;
  }
  if (leaf.kind === 'fixed') {
    if (leaf.shape.length === 0) return scalar(leaf.dtype as NumericDType, data[i] as number | bigint);
    const row = data.subarray(i * leaf.size, (i + 1) * leaf.size);
    return new DenseArray(leaf.dtype as NumericDType, leaf.shape as readonly number[], row);
  }
  const row = data.subarray(column.offsets?.[i], column.offsets?.[i + 1]);
  return new DenseArray(leaf.dtype as NumericDType, shapeAt(column, i), row);
}

/** The shape of row `i` of a ragged column. */
export function shapeAt(column: ColumnData, i: number): number[] {
  const rank = column.leaf.shape.length;
  if (column.shapes !== undefined) return Array.from(column.shapes.subarray(i * rank, (i + 1) * rank));
  return [(column.offsets?.[i + 1] as number) - (column.offsets?.[i] as number)];
}

function scalar(dtype: NumericDType, stored: number | bigint): number | bigint | boolean {
  if (dtype === 'bool') return stored !== 0;
  return dtype === 'float16' ? float16ToNumber(stored as number) : stored;
}
