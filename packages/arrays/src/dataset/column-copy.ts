import { allocateElements, allocateFresh, type ColumnData, type ElementArray, type Leaf } from '@dataref/core/adapter';
import { sizeOf } from '../metadata/limits.js';
import { cStrides } from '../selection/grid.js';
import { copyStrided } from '../selection/strided.js';
import type { Slab } from './slab-cache.js';

/** Takes the rows of a column one by one, in any order. */
export interface ColumnCopy {
  /** @param from of the row in the slab @param to of the row in the column */
  copy(slab: Slab, from: number, to: number): void;
  take(): ColumnData;
}

/** @param allocate makes the memory of the column */
export function columnCopy(
  leaf: Leaf,
  length: number,
  room: readonly number[],
  allocate: typeof allocateFresh,
): ColumnCopy {
  return leaf.kind === 'fixed' ? fixedCopy(leaf, length, allocate) : raggedCopy(leaf, length, room, allocate);
}

function fixedCopy(leaf: Leaf, length: number, allocate: typeof allocateFresh): ColumnCopy {
  const { size } = leaf;
  const data = allocateElements(leaf, length * size, allocate);
  return {
    copy: (slab, from, to) => data.set(slab.data.subarray(from * size, (from + 1) * size) as never, to * size),
    take: () => ({ leaf, length, data }),
  };
}

/** Each row cut to its own shape. */
function raggedCopy(leaf: Leaf, length: number, room: readonly number[], allocate: typeof allocateFresh): ColumnCopy {
  const rank = room.length;
  const strides = cStrides(room);
  const size = sizeOf(room);
  const shapes = new Int32Array(length * rank);
  const rows: ElementArray[] = [];
  return {
    copy({ data, shapes: sizes }, from, to) {
      const shape = room.map((most, axis) => sizeWithin(most, sizes?.[from * rank + axis]));
      shapes.set(shape, to * rank);
      const row = allocateElements(leaf, sizeOf(shape), allocateFresh);
      if (row.length > 0)
        copyStrided({ data, offset: from * size, strides }, { data: row, offset: 0, strides: cStrides(shape) }, shape);
      rows[to] = row;
    },
    take() {
      const offsets = new Float64Array(length + 1);
      rows.forEach((row, i) => (offsets[i + 1] = (offsets[i] as number) + row.length));
      const data = allocateElements(leaf, offsets[length] as number, allocate);
      rows.forEach((row, i) => data.set(row as never, offsets[i]));
      return { leaf, length, data, offsets, shapes: rank < 2 ? undefined : shapes };
    },
  };
}

function sizeWithin(most: number, size = -1): number {
  return size < 0 ? most : Math.min(size, most);
}
