import { allocateElements, type Allocate, type ColumnData } from '../schema/column-data.js';

/** A column with rows of zeros, or of nothing, added up to `rows`. */
export function padRows(column: ColumnData, rows: number, allocate: Allocate): ColumnData {
  const { leaf, length, data } = column;
  if (length === rows) return column;
  if (column.offsets !== undefined) {
    const offsets = new Float64Array(allocate(8 * (rows + 1)), 0, rows + 1).fill(
      column.offsets[length] as number,
      length,
    );
    offsets.set(column.offsets.subarray(0, length + 1));
    const rank = leaf.shape.length;
    const shapes = column.shapes === undefined ? undefined : new Int32Array(rows * rank);
    shapes?.set((column.shapes as Int32Array).subarray(0, length * rank));
    return { leaf, length: rows, data, offsets, shapes };
  }
  const padded = allocateElements(leaf, rows * leaf.size, allocate);
  padded.set(data as never);
  padded.fill((typeof padded[0] === 'bigint' ? 0n : 0) as never, length * leaf.size);
  return { leaf, length: rows, data: padded };
}
