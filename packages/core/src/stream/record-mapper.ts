import { DataRefError, isDataRefError } from '../errors.js';
import { convertColumn } from '../rows/convert.js';
import { pushRecord } from '../rows/custom-rows.js';
import type { ColumnRequest } from '../rows/row-source.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { allocateFresh, valueAt, type ColumnData } from '../schema/column-data.js';
import { schemaOfRecord } from '../schema/infer.js';
import { leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import { isThenable, orAbort } from '../or-abort.js';
import { mapContext } from './map-context.js';
import type { Segment } from './plan-node.js';
import type { Picker, RecordMap } from './recipe.js';
import type { RecordReader, Share } from './record-reader.js';
import type { SourceNode } from './source-node.js';

/** Runs the record maps on what a reader reads. */
export class RecordMapper {
  readonly #source: SourceNode;
  readonly #maps: readonly RecordMap[];
  readonly #reader: RecordReader;
  #schema: Schema | undefined;

  constructor(source: SourceNode, maps: readonly RecordMap[], reader: RecordReader) {
    this.#source = source;
    this.#maps = maps;
    this.#reader = reader;
    this.#schema = maps.at(-1)?.schema;
  }

  /** Schema of the mapped records; undefined until the first one where a map's result has to be looked at. */
  get schema(): Schema | undefined {
    return this.#schema;
  }

  /** One record through all maps. @throws DataRefError MAP_FAILED naming the record, with the cause */
  async mapRecord(record: unknown, share: Share, row: number, signal: AbortSignal): Promise<unknown> {
    const place = { ...this.#reader.placeOf(share, row), index: share.indices[row] as number };
    const { id, version } = this.#source.rows;
    let mapped = record;
    for (const [step, map] of this.#maps.entries()) {
      try {
        const made = map.fn(mapped, mapContext(this.#source.options.order.seed, step, place, signal));
        mapped = isThenable(made) ? await orAbort(made, signal) : made;
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
    this.#schema ??= schemaOfRecord(mapped, index);
    const builders = leavesOf(this.#schema).map((leaf) => new ColumnBuilder(leaf));
    pushMapped(this.#schema, builders, mapped, index);
    const columns = builders.map((builder) => builder.take());
    const { schema, requests } = picker.resolve(this.#schema);
    return assemble(schema, (place) => {
      const { leaf, to } = requests[place] as ColumnRequest;
      const column = columns[leaf] as ColumnData;
      return valueAt(to === undefined ? column : convertColumn(column, to, allocateFresh, () => index), 0);
    });
  }

  /** Records of a share, mapped, as columns; the first record fixes their schema. */
  async mapRecords(
    records: readonly unknown[],
    share: Share,
    segments: readonly Segment[],
    signal: AbortSignal,
  ): Promise<ColumnData[]> {
    if (records.length === 0) await this.#learnSchema(segments, signal);
    let builders: ColumnBuilder[] | undefined;
    for (const [row, record] of records.entries()) {
      const mapped = await this.mapRecord(record, share, row, signal);
      const index = share.indices[row] as number;
      this.#schema ??= schemaOfRecord(mapped, index);
      builders ??= leavesOf(this.#schema).map((leaf) => new ColumnBuilder(leaf));
      pushMapped(this.#schema, builders, mapped, index);
    }
    builders ??= leavesOf(this.#schema as Schema).map((leaf) => new ColumnBuilder(leaf));
    return builders.map((builder) => builder.take());
  }

  /** A shard without a record in its first batch looks at the batch's first record, which is another shard's. */
  async #learnSchema(segments: readonly Segment[], signal: AbortSignal): Promise<void> {
    if (this.#schema !== undefined) return;
    const [{ epoch, start }] = segments as readonly [Segment];
    const share = this.#reader.share([{ epoch, start, count: 1 }], 0);
    const [record] = await this.#reader.readRecords(share, signal);
    const mapped = await this.mapRecord(record, share, 0, signal);
    this.#schema = schemaOfRecord(mapped, share.indices[0] as number);
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
