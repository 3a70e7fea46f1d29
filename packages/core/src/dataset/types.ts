import type { Awaitable, InputOf, RecordOf, Schema, SelectedSchema } from '../schema/types.js';
import type { Progress } from '../progress.js';
import type { IoOptions } from '../store/object-store.js';
import type { StreamState } from '../stream/state.js';
import type { Rows, Shard, Stream, StreamOptions } from '../stream/types.js';

/** A dataset: records by index, and streams over them. An interface: a DataRef made by hand works wherever ours do. */
export interface DataRef<S extends Schema = any> {
  readonly length: number;
  readonly schema: S;
  /** Same records, same text: what a resumed state is checked against. */
  readonly fingerprint: string;
  /** A stream of records, in order or fully shuffled, of the whole dataset or one shard of it. */
  stream(options?: StreamOptions): Stream<S>;
  /**
   * `stream(the state's own options + shard)`, standing where the state says once the same transforms are chained to it.
   * @throws DataRefError SHARD_REQUIRED when the state was made by more than one shard and none is given
   */
  resume(state: StreamState, shard?: Shard & { readonly dropShardRemainder?: boolean | undefined }): Stream<S>;
  /** The record at an index; negative ones count from the end. @throws DataRefError OUT_OF_RANGE */
  at(index: number, options?: IoOptions): Promise<RecordOf<S>>;
  /** Records by index, as columns. @throws DataRefError OUT_OF_RANGE */
  read(indices: ArrayLike<number>, options?: IoOptions): Promise<Rows<S>>;
  /** Records start to end; negative ones count from the end, as in Array.slice. */
  slice(start: number, end?: number): DataRef<S>;
  /** Only these columns. The others are not read. */
  select<K extends keyof S & string>(...columns: readonly K[]): DataRef<SelectedSchema<S, K>>;
  /**
   * The records for which a predicate says true, found once: a dataset with a length, whose streams shuffle, shard and
   * resume as all do. `columns` names those that the predicate looks at; the others are not read for it.
   * @throws DataRefError MAP_FAILED naming the record
   */
  where<const K extends keyof S & string>(
    predicate: (record: RecordOf<SelectedSchema<S, K>>, index: number) => Awaitable<boolean>,
    options: WhereOptions & { readonly columns: readonly K[] },
  ): Promise<DataRef<S>>;
  where(
    predicate: (record: RecordOf<S>, index: number) => Awaitable<boolean>,
    options?: WhereOptions & { readonly columns?: undefined },
  ): Promise<DataRef<S>>;
  /**
   * Parts at random, disjoint, of the given fractions: the same for the same seed. A part ends at the rounded sum of the
   * fractions to it, so that a small fraction of few records may have none.
   * @param fractions of the records, each in 0..1, together at most 1
   */
  split<const N extends string>(
    fractions: Readonly<Record<N, number>>,
    options: { readonly seed: number },
  ): Readonly<Record<N, DataRef<S>>>;
}

export interface WhereOptions extends IoOptions {
  /** Top-level columns that the predicate is given; default: the whole record. */
  readonly columns?: readonly string[] | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What a user implements for data of their own; `defineDataRef` makes it a DataRef. */
export interface RecordSource<S extends Schema> {
  readonly length: number;
  readonly schema: S;
  /** Same data, same text: a resumed state is checked against it. */
  readonly fingerprint: string;
  /** One record for each index, in their order. */
  read(
    indices: readonly number[],
    options: { readonly signal: AbortSignal },
  ): Awaitable<readonly InputOf<NoInfer<S>>[]>;
}
