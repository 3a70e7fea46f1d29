import { allocateFresh } from '../schema/column-data.js';
import { indexArray } from '../rows/row-source.js';
import type { BatchGroup } from './batch-stage.js';
import type { BatchParts } from './batch.js';
import { BufferPool, Loan } from './buffer-pool.js';
import { MapRunner } from './map-runner.js';
import { MappedColumns } from './mapped-columns.js';
import { padRows } from './pad-column.js';
import type { Place } from './pass.js';
import type { RecordMap } from './recipe.js';
import type { Element } from './stage.js';
import type { Schema } from '../schema/types.js';

/** Makes batches of computed records: runs the maps on this shard's own, and puts them into columns. */
export class GroupColumns {
  readonly #runner: MapRunner;
  readonly #columns: MappedColumns;
  readonly #pads: boolean;
  readonly #pool = new BufferPool(false);

  /**
   * @param functions user functions before the maps
   * @param schema of the records where it is known; else the first one fixes it
   */
  constructor(maps: readonly RecordMap[], functions: number, schema: Schema | undefined, padsRagged: boolean) {
    this.#runner = new MapRunner(maps, functions);
    this.#columns = new MappedColumns(schema);
    this.#pads = padsRagged;
  }

  get schema(): Schema | undefined {
    return this.#columns.schema;
  }

  /** Batches that are best made at once. */
  get depth(): number {
    return this.#runner.depth;
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  async batch({ value: group, epoch }: Element<BatchGroup>, after: Place, signal: AbortSignal): Promise<BatchParts> {
    const { own, first, globalLength, paddedRows, step } = group;
    // A shard without a record in its first batch looks at the batch's first one, which is another shard's.
    if (own.length === 0 && this.schema === undefined)
      this.#columns.learn((await this.#mapped([first], signal))[0], first.origin.index);
    const records = await this.#mapped(own, signal);
    const places = own.map(({ origin }) => origin.index);
    const indices = indexArray(
      places.length,
      places.reduce((most, index) => Math.max(most, index + 1), 0),
    );
    indices.set(places);
    const columns = this.#columns.columnsOf(records, indices);
    return {
      schema: this.schema as Schema,
      columns:
        own.length === paddedRows ? columns : columns.map((column) => padRows(column, paddedRows, allocateFresh)),
      length: paddedRows,
      validLength: own.length,
      globalLength,
      epoch,
      position: first.origin.position,
      step,
      indices,
      pad: this.#pads,
      loan: new Loan(this.#pool),
      after,
    };
  }

  async #mapped(elements: readonly Element[], signal: AbortSignal): Promise<unknown[]> {
    return (await this.#runner.run(elements, signal)).map((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return 'value' in outcome ? outcome.value : undefined;
    });
  }
}
