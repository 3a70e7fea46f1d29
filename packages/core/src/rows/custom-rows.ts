import { DataRefError } from '../errors.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { gatherColumn, type ColumnData } from '../schema/column-data.js';
import { describeValue } from '../schema/ndarray.js';
import { leavesOf } from '../schema/schema.js';
import { disassemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import { orAbort } from '../or-abort.js';
import { convertColumn } from './convert.js';
import { noHold, type IndexArray, type ReadRequest, type RowSource } from './row-source.js';

export interface CustomSource {
  readonly id?: string;
  readonly version?: string;
  readonly schema: Schema;
  readonly length: number;
  readonly fingerprint: () => string | undefined;
  /** One record an index, in the schema's structure. */
  readonly read: (indices: readonly number[], signal: AbortSignal) => Promise<readonly unknown[]>;
}

/** Rows that a function of the user's makes, record by record. */
export class CustomRows implements RowSource {
  readonly id: string;
  readonly version: string;
  readonly schema: Schema;
  readonly length: number;
  readonly hold = noHold;
  readonly partRecords = (): undefined => undefined;
  readonly #source: CustomSource;

  constructor(source: CustomSource) {
    this.id = source.id ?? '';
    this.version = source.version ?? '';
    this.schema = source.schema;
    this.length = source.length;
    this.#source = source;
  }

  fingerprint(): string {
    const fingerprint = this.#source.fingerprint();
    if (typeof fingerprint === 'string' && fingerprint !== '') return fingerprint;
    throw new DataRefError(
      'NO_FINGERPRINT',
      "this dataset has no fingerprint, so a state of it could not be checked when it is resumed. Give it one: a text that changes whenever the data does, such as 'noise-v1'",
    );
  }

  async read(indices: IndexArray, { columns, allocate, signal }: ReadRequest): Promise<readonly ColumnData[]> {
    const list = Array.from(indices);
    const records: unknown =
      list.length === 0 ? [] : await orAbort(this.#source.read(list, signal ?? new AbortController().signal), signal);
    signal?.throwIfAborted();
    const got = Array.isArray(records) ? records.length : undefined;
    if (got !== list.length) {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `read() was asked for ${list.length} records and gave ${got ?? describeValue(records)}; it gives a list, one record for each index`,
      );
    }
    const built = buildColumns(this.schema, records as unknown[], list);
    return columns.map(({ leaf, to }) => {
      const column = built[leaf] as ColumnData;
      return to === undefined
        ? gatherColumn(column, Uint32Array.from(list.keys()), allocate)
        : convertColumn(column, to, allocate, (row) => list[row] as number);
    });
  }
}

/** Records as columns, one a leaf. `indices` names the records in errors. */
export function buildColumns(schema: Schema, records: readonly unknown[], indices: ArrayLike<number>): ColumnData[] {
  const builders = leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
  // By index: forEach would leave out holes, and shift all that follows.
  for (let i = 0; i < records.length; i++) pushRecord(schema, builders, records[i], indices[i] as number);
  return builders.map((builder) => builder.take());
}

/** Appends one record. @throws DataRefError SCHEMA_MISMATCH, NULL_VALUE, RAGGED, LOSSY_CAST, each naming the record and the column */
export function pushRecord(schema: Schema, builders: readonly ColumnBuilder[], record: unknown, index: number): void {
  disassemble(
    schema,
    record,
    (leaf, value) => (builders[leaf] as ColumnBuilder).push(value, index),
    (path, problem) => {
      const code = record === null || record === undefined ? 'NULL_VALUE' : 'SCHEMA_MISMATCH';
      throw new DataRefError(
        code,
        `record ${index}: ${path || 'the record'}: ${problem}. Every record must have the structure of the schema, or of the first record where none is given`,
        {
          details: { index, path },
        },
      );
    },
  );
}
