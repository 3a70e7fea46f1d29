import { bytesOf } from './element-bytes.js';
import type { Learned } from './learned.js';
import { MappedColumns } from './mapped-columns.js';
import { Mapping } from './mapping.js';
import type { Item, Place } from './pass.js';
import type { RecordRecipe } from './recipe.js';
import type { Traced } from './stage.js';

/** A record of this shard, before the maps, and the place after it. */
export interface Dealt extends Traced {
  readonly after: Place;
}

/** The records of a shard, mapped, with the columns that an adapter asks for. */
export class MappedRecords {
  readonly #picked: RecordRecipe['picked'];
  readonly #isPrefetched: boolean;
  readonly #mapping: Mapping<Dealt>;
  readonly #columns: MappedColumns;

  /** @param functions user functions before the recipe's maps */
  constructor(
    { maps, picked, prefetch }: Pick<RecordRecipe, 'maps' | 'picked' | 'prefetch'>,
    functions: number,
    learned: Learned,
    pull: () => Promise<Dealt | undefined>,
    signal: AbortSignal,
  ) {
    this.#picked = picked;
    this.#isPrefetched = prefetch !== undefined;
    this.#mapping = new Mapping(maps, functions, pull, signal);
    this.#columns = new MappedColumns(learned);
  }

  async next(): Promise<Item<unknown> | undefined> {
    const mapped = await this.#mapping.next();
    if (mapped === undefined) return undefined;
    const { value, origin, after } = mapped;
    const shown = this.#picked === undefined ? value : this.#columns.pick(value, origin, this.#picked);
    return { value: shown, after, byteLength: this.#isPrefetched ? bytesOf(shown) : 0 };
  }

  close(): Promise<void> {
    return this.#mapping.close();
  }
}
