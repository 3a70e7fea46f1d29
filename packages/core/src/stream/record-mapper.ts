import type { ColumnData } from '../schema/column-data.js';
import type { Learned } from './learned.js';
import { MapRunner } from './map-runner.js';
import { MappedColumns } from './mapped-columns.js';
import type { RecordMap } from './recipe.js';
import type { Traced } from './stage.js';

/** Runs maps on the records of batches, and puts what they give into columns. */
export class RecordMapper {
  readonly learned: Learned;
  readonly #runner: MapRunner;
  readonly #columns: MappedColumns;
  /** Of the batch that was asked for first: where no schema is known its first record tells it, whichever comes first. */
  #first: Promise<void> | undefined;

  /** @param functions user functions before the maps */
  constructor(maps: readonly RecordMap[], functions: number, learned: Learned) {
    this.learned = learned;
    this.#runner = new MapRunner(maps, functions, maps.length - 1);
    this.#columns = new MappedColumns(learned);
  }

  /** Records that are best under way at once, in several batches; 0 where one batch after another is best. */
  get recordsAtOnce(): number {
    return this.#runner.recordsAtOnce;
  }

  /**
   * @param first the first record of all shards: a shard that has none in its first batch learns the schema from it
   * @throws DataRefError MAP_FAILED, WORKER_DIED, and what records that do not fit the schema give
   */
  columnsOf(own: readonly Traced[], first: () => Traced | Promise<Traced>, signal: AbortSignal): Promise<ColumnData[]> {
    const columns = this.#columnsAfter(this.#first, own, first, signal);
    if (this.#first === undefined) {
      this.#first = columns.then(() => undefined);
      this.#first.catch(() => undefined); // told by the batch itself
    }
    return columns;
  }

  close(): Promise<void> {
    return this.#runner.close();
  }

  async #columnsAfter(
    before: Promise<void> | undefined,
    own: readonly Traced[],
    first: () => Traced | Promise<Traced>,
    signal: AbortSignal,
  ): Promise<ColumnData[]> {
    const mapped = await this.#mapped(own, signal);
    if (this.learned.schema === undefined) await before;
    if (own.length === 0 && this.learned.schema === undefined) {
      const other = await first();
      const [value] = await this.#mapped([other], signal);
      this.#columns.learn(value, other.origin.index);
    }
    return this.#columns.columnsOf(
      mapped,
      own.map(({ origin }) => origin),
    );
  }

  async #mapped(records: readonly Traced[], signal: AbortSignal): Promise<unknown[]> {
    return (await this.#runner.run(records, signal)).map((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return 'value' in outcome ? outcome.value : undefined;
    });
  }
}
