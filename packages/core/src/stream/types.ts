/// <reference lib="esnext.disposable" preserve="true" />
import type {
  Awaitable,
  Columns,
  ColumnsOf,
  PaddedSchema,
  RecordOf,
  Schema,
  SchemaOf,
  SchemaOfColumns,
  UnpaddedSchema,
} from '../schema/types.js';
import type { OnError } from './recipe.js';
import type { StreamState } from './state.js';

export interface Shard {
  readonly shardRank: number;
  readonly numShards: number;
}
type ShuffleOptions =
  | {
      readonly shuffle: boolean;
      /** Integer from 0 to 2^52. Epoch e is shuffled with seed + e. */
      readonly shuffleSeed: number;
      /**
       * Default: numpy up to 2^24 records, permutation above. `'parts'` is for datasets larger than the disk, or far away: of
       * the stored parts, taken in a shuffled order, a window at a time is shuffled among itself, so that an epoch needs
       * each part once, and few at a time. Its states go on only where the dataset is cut into the same parts.
       */
      readonly shuffleAlgorithm?: 'numpy' | 'permutation' | 'parts' | undefined;
      /** Only for `'parts'`: parts of a window, an integer from 1. More shuffle better and need more room. Default 16. */
      readonly shuffleWindow?: number | undefined;
      /** Every epoch in the order of epoch 0. */
      readonly skipShuffleAtEpochEnd?: boolean | undefined;
      /** YogaDL's order: strided shards, each shuffled in itself. Its states belong to one rank and world. */
      readonly shardBeforeShuffle?: boolean | undefined;
    }
  | { readonly shuffle?: false | undefined };
type ShardOptions =
  | (Shard & {
      /** Leaves out up to numShards − 1 records an epoch, so that all shards have equally many. */
      readonly dropShardRemainder?: boolean | undefined;
    })
  | { readonly shardRank?: undefined; readonly numShards?: undefined };
export type StreamOptions = {
  /**
   * Deals records to the shards before filters and maps, which then run on this shard's own alone: for a costly map that
   * stands before a filter. The state is of one rank; `joinStates` makes the job's, which any world can resume.
   * Not with flatMap, window, pack, bucketByLength, unbatch, globalBatch and joins, which hold parts of records or several.
   */
  readonly shardFirst?: boolean | undefined;
  /** Records of this shard to leave out of the first epoch; may exceed one epoch. */
  readonly startOffset?: number | undefined;
} & ShuffleOptions &
  ShardOptions;

export interface BatchOptions {
  /**
   * What becomes of a last batch with fewer records: kept short (default), dropped, or padded with zeros. How many records
   * `batch` drops depends on the number of shards, so `unbatch` after it is refused where there are several; with
   * `globalBatch` it does not.
   */
  readonly remainder?: 'keep' | 'drop' | 'pad' | undefined;
  /** Ragged columns: a list of arrays (default), or one array as large as the largest, the rest zero. */
  readonly ragged?: 'list' | 'pad' | undefined;
  /**
   * true: a batch's arrays are valid until the next batch is asked for, and are then written anew. `'checked'`: they
   * become empty then, which shows wrong use. Default: every batch has arrays of its own.
   */
  readonly reuse?: boolean | 'checked' | undefined;
}

type PaddedBatchOptions = BatchOptions & { readonly ragged: 'pad' };

export interface MapContext {
  readonly epoch: number;
  /** In the order of the epoch, over all shards. */
  readonly position: number;
  /** In the dataset. */
  readonly index: number;
  /** Numbers in [0, 1), keyed on seed, epoch and index: the same after a resume, on any rank. */
  readonly random: () => number;
  /** Aborted when the stream is closed or superseded. */
  readonly signal: AbortSignal;
}

export interface PrefetchOptions {
  /** Elements made ahead at most; 0 for none. Default 2. */
  readonly batches?: number | undefined;
  /**
   * Bytes of elements made ahead at most; one is always allowed. What datasets far away read ahead for them, under
   * transforms whose outputs only reading can tell, is bounded by as much again. Default 256 MiB.
   */
  readonly byteLimit?: number | undefined;
}

/**
 * A recipe with one cursor. Deriving (`map`, `batch`, …) gives a new stream with its own cursor. An iteration claims the
 * next epoch when its first element is asked for, and supersedes an older one that has not ended.
 */
export interface Flow<T> extends AsyncIterable<T> {
  /** Elements of one whole epoch for this shard; Infinity after `repeat()`; undefined where only reading can tell. */
  readonly length: number | undefined;
  /** The epoch that the next element belongs to. */
  readonly epoch: number;
  /** Where the stream stands: after the last element handed out. Plain JSON. */
  readonly state: StreamState;
  /**
   * This pipeline, standing where the state says. `undefined` starts from the beginning.
   * @throws DataRefError STATE_INVALID, STATE_MISMATCH, STATE_PIPELINE, STATE_WORLD
   */
  resume(state: StreamState | undefined): this;
  /** `count` epochs as one iteration; endless without a count. */
  repeat(count?: number): this;
  /** At most `count` elements of this shard in each iteration. */
  take(count: number): this;
  /** Without the first `count` elements of this shard in each iteration. */
  skip(count: number): this;
  /** Makes elements ahead while the last one is worked on: through all transforms before it, and across the epochs of a `repeat`. */
  prefetch(options?: PrefetchOptions): this;
  /**
   * Records left out by `map`'s `onError` so far, by this stream and those that share its maps: of all shards (with
   * `shardFirst`, of this one), in all iterations, and among what was made ahead of the last element handed out.
   */
  readonly skipped: number;
  /** Ends the iteration under way and closes files and threads. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface MapOptions {
  /** Of the results: one that does not conform ends the iteration, with an error that names the record. Without one the first result fixes it, where they are batched. */
  readonly schema?: Schema | undefined;
  /** Part of the state's identity: another id refuses the state. Functions themselves cannot be compared. */
  readonly id?: string | undefined;
  /**
   * A record on which it fails: ends the iteration, which can be resumed at that record (default); is left out; or is what
   * the function gives, which is called with the MAP_FAILED error, and leaves the record out by giving nothing. Failures of
   * another kind end the iteration whatever is said here: WORKER_DIED, and INVALID_ARGUMENT of an input that cannot cross threads.
   */
  readonly onError?: OnError | undefined;
}

export interface WorkerOptions {
  /** Threads. 0 runs the module in this thread. */
  readonly workers: number;
  /** Records sent to a thread at a time. Default 16. */
  readonly batchSize?: number | undefined;
}

export interface Stream<S extends Schema = any> extends Flow<RecordOf<S>> {
  readonly schema: S;
  map<const T extends Schema>(
    fn: (record: RecordOf<S>, context: MapContext) => Awaitable<RecordOf<NoInfer<T>>>,
    options: MapOptions & { readonly schema: T },
  ): Stream<T>;
  map<R>(fn: (record: RecordOf<S>, context: MapContext) => Awaitable<R>, options?: MapOptions): Stream<SchemaOf<R>>;
  /**
   * The default export of a module, run in worker threads, order kept:
   * `map<typeof import('./augment.js')>(new URL('./augment.js', import.meta.url), { workers: 2 })`.
   * @throws DataRefError MAP_FAILED naming the record; WORKER_DIED where a record ends its thread again and again
   */
  map<
    M extends { readonly default: (record: any, context: MapContext) => unknown } = {
      readonly default: (record: any, context: MapContext) => any;
    },
  >(
    module: URL,
    options: WorkerOptions & MapOptions,
  ): Stream<SchemaOf<Awaited<ReturnType<M['default']>>>>;
  /** The records for which `fn` says true. `length` is then unknown. */
  filter(
    fn: (record: RecordOf<S>, context: MapContext) => Awaitable<boolean>,
    options?: { readonly id?: string | undefined },
  ): Stream<S>;
  /** All that `fn` gives for each record: a list, or any iterable. */
  flatMap<const T extends Schema>(
    fn: (record: RecordOf<S>, context: MapContext) => Awaitable<Outputs<RecordOf<NoInfer<T>>>>,
    options: { readonly schema: T; readonly id?: string | undefined },
  ): Stream<T>;
  flatMap<R>(
    fn: (record: RecordOf<S>, context: MapContext) => Awaitable<Outputs<R>>,
    options?: { readonly id?: string | undefined },
  ): Stream<SchemaOf<R>>;
  /** Lists of `size` consecutive records, as tuples. @see tf.data.Dataset.window */
  window(size: number, options?: WindowOptions): Stream;
  /**
   * Records of varying length as rows of `length` positions. Each column of a record must be an array with as many rows
   * along its first axis as the record has positions. A row has the same columns, padded with zeros, and
   * `segmentIds` (int32[length]: 1, 2, … for the records in the row, 0 for padding) and `positions` (int32[length]: the
   * place in the record). A record that is a lone vector becomes column `values`.
   */
  pack(length: number, options?: PackOptions): Stream;
  /**
   * The same records, those of like length together: blocks of records are sorted by length and cut into groups, which
   * are then shuffled. Give it the number of records of a batch over all shards, and batch after it.
   */
  bucketByLength(groupSize: number, options?: BucketOptions): Stream<S>;
  /** Batches of `size` records of this shard. */
  batch(size: number, options: PaddedBatchOptions): BatchStream<PaddedSchema<S>>;
  batch(size: number, options?: BatchOptions): BatchStream<S>;
  /** This shard's part of each global batch of `size`: the same global batches, and as many steps on every rank, at any world size. */
  globalBatch(size: number, options: PaddedBatchOptions): BatchStream<PaddedSchema<S>>;
  globalBatch(size: number, options?: BatchOptions): BatchStream<S>;
}

export interface BatchStream<S extends Schema = any> extends Flow<Batch<S>> {
  readonly schema: S;
  /** Records of one batch: of this shard, or over all shards for `globalBatch`. */
  readonly batchSize: number;
  map<C extends Columns>(
    fn: (batch: Batch<S>, context: MapContext) => Awaitable<C>,
    options?: { readonly id?: string | undefined },
  ): BatchStream<SchemaOfColumns<C>>;
  /**
   * The rows as records again. Under sharding what stands before it works on the batches of all shards together. Later maps
   * are told of each row's own record, as if there had been no batches; but where a map of batches made the rows, which are
   * no records any more: there `epoch`, seed and dataset are those of the batch's first record, `position` counts on from it,
   * `index` is of the record that was in the row's place, and `random` depends on the row's number in the batch.
   */
  unbatch(): Stream<UnpaddedSchema<S>>;
}

export type Outputs<R> = Iterable<R> | AsyncIterable<R>;

export interface WindowOptions {
  /** Records from the first of one window to the first of the next. Default: `size`, so that none is left out or repeated. */
  readonly shift?: number | undefined;
  /** Windows at the end that are not full: dropped (default), or kept short, which no batch takes. */
  readonly remainder?: 'keep' | 'drop' | undefined;
}

export interface PackOptions {
  /**
   * `concatenate` (default): one record after another, cut wherever a row is full. `best-fit`: records are not cut where
   * they fit a row; they are put where they fill it best, within blocks of records.
   */
  readonly strategy?: 'concatenate' | 'best-fit' | undefined;
  /** best-fit: records looked at together, which lie in memory. Default 1000. */
  readonly blockSize?: number | undefined;
  /** Positions of a record. Default: the size of the first axis of its first array. */
  readonly lengthOf?: ((record: any) => number) | undefined;
  /** best-fit: what becomes of a record that is longer than a row: cut into full rows and a rest (default), or OUT_OF_RANGE. */
  readonly longRecords?: 'cut' | 'error' | undefined;
  /** concatenate: a last row that is not full is padded (default) or dropped. */
  readonly remainder?: 'keep' | 'drop' | undefined;
}

export interface BucketOptions {
  /** Records that are sorted together, which lie in memory: a multiple of the group's size. Default: 50 groups. */
  readonly blockSize?: number | undefined;
  /** Default: the size of the first axis of the record's first array. */
  readonly lengthOf?: ((record: any) => number) | undefined;
}

export interface Rows<S extends Schema = any> {
  readonly length: number;
  /** The record's structure with an array for each leaf, the rows along axis 0; lists for strings, bytes and ragged leaves. */
  readonly columns: ColumnsOf<S>;
  /** The rows as records, without the padding. */
  records(): RecordOf<S>[];
}

export interface Batch<S extends Schema = any> extends Rows<S> {
  /** Real records, which come first, of `length` rows; less only under `remainder: 'pad'`. */
  readonly validLength: number;
  /** Real records of the batch over all shards: what a mean is divided by. Of this shard alone under `shardBeforeShuffle` and `shardFirst`. */
  readonly globalLength: number;
  /** Epoch of the first record. */
  readonly epoch: number;
  /** Number of the batch in its iteration, from 0. */
  readonly step: number;
  /** Indices of the real records in the dataset. */
  readonly indices: ArrayLike<number>;
  /** The state after this batch. */
  readonly state: StreamState;
  /** Gives the arrays back to be written anew: nothing of this batch may be used after it. */
  release(): void;
  [Symbol.dispose](): void;
}
