import type { OffsetArray } from '../schema/column-data.js';
import type { PartInfo } from './manifest.js';

/** Where rows lie among the parts. */
export class PartTable {
  /** First record of each part, and the length of all at the end. */
  readonly starts: Float64Array;

  constructor(parts: readonly Pick<PartInfo, 'records'>[]) {
    this.starts = new Float64Array(parts.length + 1);
    parts.forEach((part, i) => (this.starts[i + 1] = (this.starts[i] as number) + part.records));
  }

  /** The part that holds record `index`. */
  locate(index: number): number {
    let low = 0;
    let high = this.starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Rows of a batch by the part that each lies in. */
export interface LocatedRows {
  readonly count: number;
  readonly parts: Uint32Array;
  /** Row within its part. */
  readonly rows: Uint32Array;
  /** The parts that occur, each once. */
  readonly distinct: readonly number[];
}

export function locateRows(table: PartTable, indices: ArrayLike<number>): LocatedRows {
  const count = indices.length;
  const parts = new Uint32Array(count);
  const rows = new Uint32Array(count);
  const distinct = new Set<number>();
  for (let i = 0; i < count; i++) {
    const part = table.locate(indices[i] as number);
    parts[i] = part;
    rows[i] = (indices[i] as number) - (table.starts[part] as number);
    distinct.add(part);
  }
  return { count, parts, rows, distinct: [...distinct] };
}

/** One read: bytes of a part's file to a place in the output. */
export interface PlannedRead {
  readonly part: number;
  readonly position: number;
  readonly byteLength: number;
  /** First byte in the output. */
  readonly target: number;
}

/** The reads of a fixed column's rows, one for each run of neighbours. */
export function planFixed(
  located: LocatedRows,
  recordBytes: number,
  bufferStart: (part: number) => number,
): PlannedRead[] {
  const reads: PlannedRead[] = [];
  for (let i = 0; i < located.count;) {
    const part = located.parts[i] as number;
    const row = located.rows[i] as number;
    let run = 1;
    while (i + run < located.count && located.parts[i + run] === part && located.rows[i + run] === row + run) run++;
    reads.push({
      part,
      position: bufferStart(part) + row * recordBytes,
      byteLength: run * recordBytes,
      target: i * recordBytes,
    });
    i += run;
  }
  return reads;
}

/**
 * The reads of a variable column's rows, neighbours as one.
 * @param starts first element of each row within its part
 * @param offsets first element of each row in the output, and the end
 */
export function planVariable(
  located: LocatedRows,
  elementBytes: number,
  starts: ArrayLike<number>,
  offsets: OffsetArray,
  bufferStart: (part: number) => number,
): PlannedRead[] {
  const reads: PlannedRead[] = [];
  for (let i = 0; i < located.count;) {
    const part = located.parts[i] as number;
    const start = starts[i] as number;
    const out = offsets[i] as number;
    let end = i + 1;
    while (end < located.count && located.parts[end] === part && starts[end] === start + (offsets[end] as number) - out)
      end++;
    const byteLength = ((offsets[end] as number) - out) * elementBytes;
    if (byteLength > 0) {
      reads.push({ part, position: bufferStart(part) + start * elementBytes, byteLength, target: out * elementBytes });
    }
    i = end;
  }
  return reads;
}
