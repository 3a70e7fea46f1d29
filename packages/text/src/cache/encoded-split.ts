import type { Part } from './part.js';

/** Tokens of one part that come one after the other. */
export interface Stretch {
  readonly part: number;
  readonly start: number;
  readonly length: number;
}

/** Rows of one split of the source, in its parts. Takes 8 bytes a row. */
export class EncodedSplit {
  readonly rowCount: number;
  readonly #parts: readonly Part[];
  /** For each row the token at which it begins, over all parts, and their end. */
  readonly #starts: Float64Array;
  /** The row with which each part begins. */
  readonly #firstRows: readonly number[];

  constructor(parts: readonly Part[]) {
    const rowCount = parts.reduce((sum, { rows }) => sum + rows, 0);
    const starts = new Float64Array(rowCount + 1);
    const firstRows: number[] = [];
    let row = 0;
    for (const { lengths } of parts) {
      firstRows.push(row);
      for (const length of lengths) {
        starts[row + 1] = starts[row]! + length;
        row++;
      }
    }
    this.rowCount = rowCount;
    this.#parts = parts;
    this.#starts = starts;
    this.#firstRows = firstRows;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }

  tokensOf(row: number): number {
    return this.#starts[row + 1]! - this.#starts[row]!;
  }

  /** What makes up rows in the order given, all in theirs where none is: rows that follow each other are one stretch. */
  *stretches(rows: Uint32Array | undefined): Generator<Stretch> {
    const starts = this.#starts;
    if (rows === undefined) {
      for (const [part, { tokens }] of this.#parts.entries()) yield { part, start: 0, length: tokens };
      return;
    }
    let last: Stretch | undefined;
    for (const row of rows) {
      const length = this.tokensOf(row);
      if (length === 0) continue;
      const part = this.#partOf(row);
      const start = starts[row]! - starts[this.#firstRows[part]!]!;
      if (last?.part === part && last.start + last.length === start) last = { ...last, length: last.length + length };
      else {
        if (last !== undefined) yield last;
        last = { part, start, length };
      }
    }
    if (last !== undefined) yield last;
  }

  #partOf(row: number): number {
    const firstRows = this.#firstRows;
    let low = 0;
    let high = firstRows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (firstRows[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
