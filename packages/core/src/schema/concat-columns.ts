import { arrayType } from './dtypes.js';
import type { ColumnData } from './column-data.js';

/** The rows of several columns of one leaf, one after another, copied. At least one column. */
export function concatColumns(columns: readonly ColumnData[]): ColumnData {
  const first = columns[0] as ColumnData;
  if (columns.length === 1) return first;
  const { leaf } = first;
  const length = columns.reduce((sum, column) => sum + column.length, 0);
  const used = columns.map(
    ({ data, offsets, length: rows }) => [offsets?.[0] ?? 0, offsets?.[rows] ?? data.length] as const,
  );
  const data = new (arrayType(leaf.dtype))(used.reduce((sum, [start, end]) => sum + end - start, 0));
  const offsets = first.offsets === undefined ? undefined : new Float64Array(length + 1);
  const shapes = first.shapes === undefined ? undefined : new Int32Array(length * leaf.shape.length);
  let row = 0;
  let at = 0;
  columns.forEach((column, i) => {
    const [start, end] = used[i] as readonly [number, number];
    data.set(column.data.subarray(start, end) as never, at);
    if (offsets !== undefined) {
      for (let r = 0; r < column.length; r++) offsets[row + r + 1] = (column.offsets?.[r + 1] as number) - start + at;
    }
    shapes?.set(column.shapes as Int32Array, row * leaf.shape.length);
    row += column.length;
    at += end - start;
  });
  return { leaf, length, data, offsets, shapes };
}
