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

  /** @param functions user functions before the maps */
  constructor(maps: readonly RecordMap[], functions: number, learned: Learned) {
    this.learned = learned;
    this.#runner = new MapRunner(maps, functions);
    this.#columns = new MappedColumns(learned);
  }

  /** Batches that are best mapped at once. */
  get depth(): number {
    return this.#runner.depth;
  }

  /**
   * @param first the first record of all shards: a shard that has none in its first batch learns the schema from it
   * @throws DataRefError MAP_FAILED, WORKER_DIED, and what records that do not fit the schema give
   */
  async columnsOf(
    own: readonly Traced[],
    first: () => Traced | Promise<Traced>,
    signal: AbortSignal,
  ): Promise<ColumnData[]> {
    if (own.length === 0 && this.learned.schema === undefined) {
      const other = await first();
      const [value] = await this.#mapped([other], signal);
      this.#columns.learn(value, other.origin.index);
    }
    const mapped = await this.#mapped(own, signal);
    return this.#columns.columnsOf(
      mapped,
      own.map(({ origin }) => origin),
    );
  }

  close(): Promise<void> {
    return this.#runner.close();
  }

  async #mapped(records: readonly Traced[], signal: AbortSignal): Promise<unknown[]> {
    return (await this.#runner.run(records, signal)).map((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return 'value' in outcome ? outcome.value : undefined;
    });
  }
}
