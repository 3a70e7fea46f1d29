import type { ArrayTypes } from '@dataref/core';
import type { IoOptions } from '@dataref/core/store';
import { readSelection } from '../selection/copy.js';
import type { AxisSelection } from '../selection/resolve.js';
import type { StoredArray } from './stored-array.js';

/** As long as a record's shape was not set. */
export const UNSET = -1;

/** The shapes of records, an array beside that of the records. */
export class RecordShapes {
  readonly array: StoredArray<'int32'>;

  constructor(array: StoredArray<'int32'>) {
    this.array = array;
  }

  /**
   * Sizes that hold every record selected.
   * @param records the selection along the axes that number them
   * @param full sizes that there is room for
   */
  async largest(
    records: readonly AxisSelection[],
    full: readonly number[],
    { signal }: IoOptions = {},
  ): Promise<readonly number[]> {
    const shape = [...records.map(({ count }) => count), full.length];
    if (shape.includes(0)) return full;
    // What resizes or appends elsewhere may have changed one of the two arrays alone, yet.
    const isWithin = records.every(
      ({ start, step, count }, d) => start + step * (count - 1) < (this.array.shape[d] as number),
    );
    if (!isWithin) return full;
    const axes = [...records, { start: 0, step: 1, count: full.length, isSqueezed: false }];
    const read = await readSelection<'int32'>(
      this.array,
      { axes, shape, isScalar: false, text: 'shapes of records' },
      { signal, fill: UNSET },
    );
    const { data } = read as { readonly data: ArrayTypes['int32'] };
    const sizes = full.map(() => 0);
    for (let i = 0; i < data.length; i++) {
      const axis = i % full.length;
      const size = data[i] as number;
      const most = full[axis] as number;
      sizes[axis] = Math.max(sizes[axis] as number, size < 0 ? most : Math.min(size, most));
    }
    return sizes;
  }

  /** Follows a resize of the records. */
  async resize(shape: readonly number[], options: IoOptions): Promise<void> {
    const records = this.array.shape.length - 1;
    await this.array.resize([...shape.slice(0, records), shape.length - records], options);
  }

  /** Follows an append. */
  reach(length: number, options: IoOptions): Promise<void> {
    return this.array.reach(length, options);
  }
}
