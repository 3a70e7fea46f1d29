import { DataRefError, isDataRefError } from '../errors.js';
import { allColumns, indexArray, type ColumnRequest, type IndexArray } from '../rows/row-source.js';
import { convertColumn } from '../rows/convert.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { allocateFresh, valueAt, type Allocate, type ColumnData } from '../schema/column-data.js';
import { schemaOfRecord } from '../schema/infer.js';
import { leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import { pushRecord } from '../rows/custom-rows.js';
import { shareOf } from './deal.js';
import { mapContext } from './map-context.js';
import { totalCount, type Segment } from './plan-node.js';
import type { Picked, Picker, RecordMap } from './recipe.js';
import type { SourceNode } from './source-node.js';

/** This shard's records of some segments: which they are, and where in the order. */
export interface Share {
  readonly indices: IndexArray;
  /** Epoch and position of row i. */
  readonly placeOf: (row: number) => { readonly epoch: number; readonly position: number };
}

/** Reads this shard's rows of planned segments, and runs the record maps on them. */
export class RecordReader {
  readonly #source: SourceNode;
  readonly #maps: readonly RecordMap[];
  readonly #all: readonly ColumnRequest[];
  #mappedSchema: Schema | undefined;

  constructor(source: SourceNode, maps: readonly RecordMap[]) {
    this.#source = source;
    this.#maps = maps;
    this.#all = allColumns(leavesOf(source.rows.schema));
    this.#mappedSchema = maps.length === 0 ? source.rows.schema : maps.at(-1)?.schema;
  }

  /** Schema of the records; undefined until the first one where a map's result has to be looked at. */
  get schema(): Schema | undefined {
    return this.#mappedSchema;
  }

  share(segments: readonly Segment[], rank: number = this.#source.world.rank): Share {
    const { shards } = this.#source.world;
    const { length } = this.#source.rows;
    const indices = indexArray(shareOf(totalCount(segments), rank, shards), length);
    const runs: { readonly row: number; readonly epoch: number; readonly position: number }[] = [];
    let row = 0;
    let lead = rank;
    for (const { epoch, start, count } of segments) {
      const mine = shareOf(count, lead, shards);
      if (mine > 0) {
        this.#source.fill(epoch, indices, row, mine, start + lead, shards);
        runs.push({ row, epoch, position: start + lead });
        row += mine;
      }
      lead += mine * shards - count;
    }
    const placeOf = (at: number) => {
      const run = runs.findLast((candidate) => candidate.row <= at) as (typeof runs)[number];
      return { epoch: run.epoch, position: run.position + (at - run.row) * shards };
    };
    return { indices, placeOf };
  }

  /** Stored columns of a share, with conversions. Only without maps. */
  readColumns(share: Share, columns: readonly ColumnRequest[] | undefined, allocate: Allocate, signal: AbortSignal) {
    return this.#source.rows.read(share.indices, { columns: columns ?? this.#all, allocate, signal });
  }

  /** Records of a share, before the maps; of the picked columns alone where there are any. */
  async readRecords(share: Share, signal: AbortSignal, picked?: Picked): Promise<unknown[]> {
    const columns = await this.readColumns(share, picked?.requests, allocateFresh, signal);
    const schema = picked?.schema ?? this.#source.rows.schema;
    return Array.from(share.indices, (_, i) => assemble(schema, (leaf) => valueAt(columns[leaf] as ColumnData, i)));
  }

  get hasMaps(): boolean {
    return this.#maps.length > 0;
  }

  /** One record through all maps. @throws DataRefError MAP_FAILED naming the record, with the cause */
  async mapRecord(record: unknown, share: Share, row: number, signal: AbortSignal): Promise<unknown> {
    const place = { ...share.placeOf(row), index: share.indices[row] as number };
    const { id, version } = this.#source.rows;
    let mapped = record;
    for (const [step, map] of this.#maps.entries()) {
      try {
        mapped = await map.fn(mapped, mapContext(this.#source.options.order.seed, step, place, signal));
      } catch (error) {
        if (signal.aborted) throw error;
        const where = `${id === '' ? 'the dataset' : `${id}@${version}`}, record ${place.index}, epoch ${place.epoch}, position ${place.position}`;
        const problem = error instanceof Error ? error.message : String(error);
        throw new DataRefError('MAP_FAILED', `map failed on ${where}: ${problem}`, {
          cause: error,
          details: { dataset: id, version, ...place },
        });
      }
    }
    return mapped;
  }

  /** A mapped record with the columns that an adapter asks for. The first record fixes the schema. */
  pickMapped(mapped: unknown, index: number, picker: Picker): unknown {
    this.#mappedSchema ??= schemaOfRecord(mapped, index);
    const builders = leavesOf(this.#mappedSchema).map((leaf) => new ColumnBuilder(leaf));
    pushMapped(this.#mappedSchema, builders, mapped, index);
    const columns = builders.map((builder) => builder.take());
    const { schema, requests } = picker.resolve(this.#mappedSchema);
    return assemble(schema, (place) => {
      const { leaf, to } = requests[place] as ColumnRequest;
      const column = columns[leaf] as ColumnData;
      return valueAt(to === undefined ? column : convertColumn(column, to, allocateFresh, () => index), 0);
    });
  }

  /** Mapped records of a share as columns; the first record fixes their schema. */
  async readMapped(share: Share, segments: readonly Segment[], signal: AbortSignal): Promise<ColumnData[]> {
    const records = await this.readRecords(share, signal);
    if (records.length === 0) await this.#learnSchema(segments, signal);
    let builders: ColumnBuilder[] | undefined;
    for (const [row, record] of records.entries()) {
      const mapped = await this.mapRecord(record, share, row, signal);
      const index = share.indices[row] as number;
      this.#mappedSchema ??= schemaOfRecord(mapped, index);
      builders ??= leavesOf(this.#mappedSchema).map((leaf) => new ColumnBuilder(leaf));
      pushMapped(this.#mappedSchema, builders, mapped, index);
    }
    builders ??= leavesOf(this.#mappedSchema as Schema).map((leaf) => new ColumnBuilder(leaf));
    return builders.map((builder) => builder.take());
  }

  /** A shard without a record in its first batch looks at the batch's first record, which is another shard's. */
  async #learnSchema(segments: readonly Segment[], signal: AbortSignal): Promise<void> {
    if (this.#mappedSchema !== undefined) return;
    const [{ epoch, start }] = segments as readonly [Segment];
    const share = this.share([{ epoch, start, count: 1 }], 0);
    const [record] = await this.readRecords(share, signal);
    const mapped = await this.mapRecord(record, share, 0, signal);
    this.#mappedSchema = schemaOfRecord(mapped, share.indices[0] as number);
  }
}

function pushMapped(schema: Schema, builders: readonly ColumnBuilder[], mapped: unknown, index: number): void {
  try {
    pushRecord(schema, builders, mapped, index);
  } catch (error) {
    if (!isDataRefError(error)) throw error;
    throw new DataRefError(error.code, `what map gave: ${error.message}`, { cause: error, details: error.details });
  }
}
