import {
  allocateElements,
  shapeAt,
  valueAt,
  type Allocate,
  type ColumnData,
  type ElementArray,
} from './column-data.js';
import type { NumericDType } from './dtypes.js';
import { DenseArray } from './ndarray.js';

/**
 * A column as a batch shows it: NDArray [length, …shape] for fixed leaves, a list otherwise.
 * With `pad`, ragged leaves become one NDArray as large as the largest row, the rest zero.
 */
export function presentColumn(column: ColumnData, pad: boolean, allocate: Allocate): unknown {
  const { leaf, length } = column;
  if (leaf.kind === 'fixed') {
    return new DenseArray(leaf.dtype as NumericDType, [length, ...(leaf.shape as number[])], column.data);
  }
  if (leaf.kind === 'ragged' && pad) return padColumn(column, allocate);
  return Array.from({ length }, (_, i) => valueAt(column, i));
}

function padColumn(column: ColumnData, allocate: Allocate): DenseArray {
  const { leaf, length, data } = column;
  const rank = leaf.shape.length;
  const largest = leaf.shape.map((size) => size ?? 0);
  const shapes = Array.from({ length }, (_, i) => shapeAt(column, i));
  for (const shape of shapes)
    for (let d = 0; d < rank; d++) largest[d] = Math.max(largest[d] as number, shape[d] as number);
  const rowSize = largest.reduce((product, n) => product * n, 1);
  const out = allocateElements(leaf, length * rowSize, allocate);
  out.fill((out instanceof BigInt64Array || out instanceof BigUint64Array ? 0n : 0) as never);
  for (let i = 0; i < length; i++) {
    const row = data.subarray(column.offsets?.[i], column.offsets?.[i + 1]);
    copyBlock(row, shapes[i] as number[], out, largest, i * rowSize);
  }
  return new DenseArray(leaf.dtype as NumericDType, [length, ...largest], out);
}

/** Copies an array of `shape` into the corner of a larger one, run by run along the last axis. */
function copyBlock(from: ElementArray, shape: number[], to: ElementArray, outer: number[], start: number): void {
  const rank = shape.length;
  const run = shape[rank - 1] as number;
  if (from.length === 0) return;
  const place = new Array<number>(rank).fill(0);
  for (let source = 0; source < from.length; source += run) {
    let target = 0;
    for (let d = 0; d < rank; d++) target = target * (outer[d] as number) + (place[d] as number);
    to.set(from.subarray(source, source + run) as never, start + target);
    for (let d = rank - 2; d >= 0; d--) {
      place[d] = (place[d] as number) + 1;
      if ((place[d] as number) < (shape[d] as number)) break;
      place[d] = 0;
    }
  }
}
