import type { ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import { MappedColumns } from './mapped-columns.js';
import type { Segment } from './plan-node.js';
import type { Picker, RecordMap } from './recipe.js';
import type { RecordReader, Share } from './record-reader.js';
import { callUser } from './user-function.js';

/** Runs the record maps on what a reader reads. */
export class RecordMapper {
  readonly #maps: readonly RecordMap[];
  readonly #reader: RecordReader;
  readonly #columns: MappedColumns;

  constructor(maps: readonly RecordMap[], reader: RecordReader) {
    this.#maps = maps;
    this.#reader = reader;
    this.#columns = new MappedColumns(maps.at(-1)?.schema);
  }

  /** Schema of the mapped records; undefined until the first one where a map's result has to be looked at. */
  get schema(): Schema | undefined {
    return this.#columns.schema;
  }

  /** One record through all maps. @throws DataRefError MAP_FAILED naming the record, with the cause */
  async mapRecord(record: unknown, share: Share, row: number, signal: AbortSignal): Promise<unknown> {
    const origin = this.#reader.originOf(share, row);
    let mapped = record;
    for (const [step, { fn }] of this.#maps.entries())
      mapped = await callUser({ what: 'map', fn, step }, mapped, origin, signal);
    return mapped;
  }

  /** A mapped record with the columns that an adapter asks for. The first record fixes the schema. */
  pickMapped(mapped: unknown, index: number, picker: Picker): unknown {
    return this.#columns.pick(mapped, index, picker);
  }

  /** Records of a share, mapped, as columns; the first record fixes their schema. */
  async mapRecords(
    records: readonly unknown[],
    share: Share,
    segments: readonly Segment[],
    signal: AbortSignal,
  ): Promise<ColumnData[]> {
    if (records.length === 0) await this.#learnSchema(segments, signal);
    const mapped: unknown[] = [];
    for (const [row, record] of records.entries()) mapped.push(await this.mapRecord(record, share, row, signal));
    return this.#columns.columnsOf(mapped, share.indices);
  }

  /** A shard without a record in its first batch looks at the batch's first record, which is another shard's. */
  async #learnSchema(segments: readonly Segment[], signal: AbortSignal): Promise<void> {
    if (this.#columns.schema !== undefined) return;
    const [{ epoch, start }] = segments as readonly [Segment];
    const share = this.#reader.share([{ epoch, start, count: 1 }], 0);
    const [record] = await this.#reader.readRecords(share, signal);
    this.#columns.learn(await this.mapRecord(record, share, 0, signal), share.indices[0] as number);
  }
}
