import { indexArray } from '../rows/row-source.js';
import { allocateFresh } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import type { BatchGroup } from './batch-groups.js';
import type { BatchParts } from './batch.js';
import { BufferPool, Loan } from './buffer-pool.js';
import { padRows } from './pad-column.js';
import type { Place } from './pass.js';
import type { RecordMapper } from './record-mapper.js';
import type { Element } from './stage.js';

/** Makes batches of computed records, which it maps and puts into columns. */
export class GroupBatches {
  readonly #mapper: RecordMapper;
  readonly #padsRagged: boolean;
  readonly #pool = new BufferPool(false);

  constructor(mapper: RecordMapper, padsRagged: boolean) {
    this.#mapper = mapper;
    this.#padsRagged = padsRagged;
  }

  async batch({ value: group, epoch }: Element<BatchGroup>, after: Place, signal: AbortSignal): Promise<BatchParts> {
    const { own, first, globalLength, paddedRows, step } = group;
    const columns = await this.#mapper.columnsOf(own, () => first, signal);
    const places = own.map(({ origin }) => origin.index);
    const length = places.reduce((most, index) => Math.max(most, index + 1), 0);
    const indices = indexArray(places.length, length);
    indices.set(places);
    return {
      schema: this.#mapper.learned.schema as Schema,
      columns:
        own.length === paddedRows ? columns : columns.map((column) => padRows(column, paddedRows, allocateFresh)),
      length: paddedRows,
      validLength: own.length,
      globalLength,
      epoch,
      position: first.origin.position,
      step,
      indices,
      pad: this.#padsRagged,
      loan: new Loan(this.#pool),
      after,
    };
  }
}
