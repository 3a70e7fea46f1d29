import { Fingerprint } from '../checksum/fingerprint.js';
import { isWide, rowChecksums } from '../checksum/row-checksums.js';
import { invalidArgument } from '../errors.js';
import { allocateFresh, gatherColumn, sliceColumn, type Allocate, type ColumnData } from '../schema/column-data.js';
import { GONE } from '../schema/ndarray.js';
import type { Schema } from '../schema/types.js';
import { convertColumn } from './convert.js';
import { noHold, type IndexArray, type ReadRequest, type RowSource } from './row-source.js';

/** Rows that are gathered to be converted at once have room of their own, up to so many bytes. */
const SCRATCH_BYTES = 2 ** 20;

/** Rows that lie in this process's memory. */
export class MemoryRows implements RowSource {
  readonly id = '';
  readonly version = '';
  readonly schema: Schema;
  readonly length: number;
  readonly hold = noHold;
  readonly #columns: readonly ColumnData[];
  #fingerprint: string | undefined;
  #scratch = new ArrayBuffer(0);

  constructor(schema: Schema, columns: readonly ColumnData[]) {
    this.schema = schema;
    this.length = columns[0]?.length ?? 0;
    this.#columns = columns;
  }

  fingerprint(): string {
    if (this.#fingerprint === undefined) {
      for (const column of this.#columns) checkMemory(column);
      const hash = new Fingerprint(this.schema);
      hash.add(
        this.#columns,
        this.#columns.map((column) => (isWide(column.leaf) ? rowChecksums(column) : undefined)),
      );
      this.#fingerprint = hash.digest();
    }
    return this.#fingerprint;
  }

  read(indices: IndexArray, { columns, allocate }: ReadRequest): readonly ColumnData[] {
    return columns.map(({ leaf, to }) => {
      const column = this.#columns[leaf] as ColumnData;
      checkMemory(column);
      if (to === undefined) return gatherColumn(column, indices, allocate);
      const gathered = gatherColumn(
        column,
        indices,
        column.offsets === undefined ? this.#allocateScratch : allocateFresh,
      );
      return convertColumn(gathered, to, allocate, (row) => indices[row] as number);
    });
  }

  /** The same memory again and again: what was gathered before has been converted. */
  readonly #allocateScratch: Allocate = (byteLength) => {
    if (byteLength > SCRATCH_BYTES) return allocateFresh(byteLength);
    if (this.#scratch.byteLength < byteLength) this.#scratch = allocateFresh(byteLength);
    return this.#scratch;
  };

  partRecords(): readonly number[] {
    return [this.length];
  }

  slice(start: number, end: number): readonly ColumnData[] {
    return this.#columns.map((column) => {
      checkMemory(column);
      return sliceColumn(column, start, end);
    });
  }
}

/**
 * Columns are not copied: who gave them may have taken their memory away since.
 * @throws DataRefError INVALID_ARGUMENT naming the column
 */
function checkMemory({ leaf, length, data, offsets }: ColumnData): void {
  const elements = offsets === undefined ? length * leaf.size : (offsets[length] as number);
  if (data.length === elements) return;
  throw invalidArgument(
    `column ${leaf.name} had ${elements} elements and has ${data.length}: fromColumns does not copy, and ${GONE}`,
    { column: leaf.name },
  );
}
