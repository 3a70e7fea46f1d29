import { DataRefError } from '../errors.js';
import { valueAt, type ColumnData, type ElementArray } from '../schema/column-data.js';
import { presentColumn } from '../schema/present.js';
import { assemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import type { IndexArray } from '../rows/row-source.js';
import type { Loan } from './buffer-pool.js';
import { stateOf, type Place } from './pass.js';
import type { StreamState } from './state.js';
import type { Batch } from './types.js';

export interface BatchParts {
  readonly schema: Schema;
  readonly columns: readonly ColumnData[];
  readonly length: number;
  readonly validLength: number;
  readonly globalLength: number;
  readonly epoch: number;
  /** First position of the global batch. */
  readonly position: number;
  readonly step: number;
  readonly indices: IndexArray;
  readonly pad: boolean;
  readonly loan: Loan;
  /** The stream's place after the batch. */
  readonly after: Place;
}

/** The batch that streams hand out. */
export class DataBatch implements Batch {
  readonly length: number;
  readonly validLength: number;
  readonly globalLength: number;
  readonly epoch: number;
  readonly step: number;
  readonly #parts: BatchParts;
  #columns: unknown;
  #indices: IndexArray | undefined;
  #state: StreamState | undefined;
  #released = false;

  constructor(parts: BatchParts) {
    this.length = parts.length;
    this.validLength = parts.validLength;
    this.globalLength = parts.globalLength;
    this.epoch = parts.epoch;
    this.step = parts.step;
    this.#parts = parts;
  }

  /** An array of its own: inside, those of many batches share a buffer. */
  get indices(): IndexArray {
    this.#indices ??= this.#parts.indices.slice();
    return this.#indices;
  }

  /** Of `columns`. */
  get schema(): Schema {
    return this.#parts.schema;
  }

  get columns(): any {
    this.#check();
    const { schema, columns, pad, loan } = this.#parts;
    this.#columns ??= assemble(schema, (leaf) => presentColumn(columns[leaf] as ColumnData, pad, loan.allocate));
    return this.#columns;
  }

  /** The array below a column of one shape, by its place among the schema's; undefined for others. */
  arrayAt(leaf: number): ElementArray | undefined {
    this.#check();
    const column = this.#parts.columns[leaf] as ColumnData;
    return column.leaf.kind === 'fixed' ? column.data : undefined;
  }

  records(): any[] {
    this.#check();
    const { schema, columns } = this.#parts;
    return Array.from({ length: this.validLength }, (_, i) =>
      assemble(schema, (leaf) => valueAt(columns[leaf] as ColumnData, i)),
    );
  }

  get state(): StreamState {
    this.#state ??= stateOf(this.#parts.after);
    return this.#state;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#columns = undefined;
    this.#parts.loan.giveBack();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Batch ${this.step} of epoch ${this.epoch} { length: ${this.length}, validLength: ${this.validLength} }`;
  }

  #check(): void {
    if (this.#released) {
      throw new DataRefError(
        'USE_AFTER_RELEASE',
        `batch ${this.step} of epoch ${this.epoch} was released: read its columns before release(), or before the next batch where reuse is on`,
      );
    }
  }
}
