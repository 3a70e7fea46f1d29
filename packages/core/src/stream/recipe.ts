import type { ColumnRequest } from '../rows/row-source.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import type { BatchGroup } from './batch-groups.js';
import type { World } from './deal.js';
import type { PlanNode, Segment, Start } from './plan-node.js';
import type { SourceNode } from './source-node.js';
import type { Stage } from './stage.js';
import type { StreamState } from './state.js';
import type { Batch, BatchOptions, MapContext } from './types.js';
import type { DataRefError } from '../errors.js';

/** A function of the user's over records, or the URL of a module whose default export it is, and the schema of what it gives where that is known. */
export interface RecordMap {
  readonly fn: ((record: any, context: MapContext) => unknown) | string;
  /** Where `fn` is a module that runs in worker threads. */
  readonly workers: WorkerSpec | undefined;
  readonly schema: Schema | undefined;
  readonly onError: OnError;
  /** Records left out by `onError`, for all streams derived from this map. */
  readonly skips: { count: number };
}

/** A module whose default export is run in worker threads. */
export interface WorkerSpec {
  /** Its URL. */
  readonly module: string;
  readonly workers: number;
  /** Records of one task. */
  readonly batchSize: number;
}

/** What becomes of a record on which a map fails: the stream ends there, it is left out, or a function gives another. */
export type OnError = 'throw' | 'skip' | ((error: DataRefError) => unknown);

/** A function of the user's over batches: gives columns. */
export interface BatchMap {
  readonly fn: (batch: any, context: MapContext) => unknown;
}

/** Columns of a batch as an adapter wants them. */
export interface Picked {
  readonly schema: Schema;
  readonly requests: readonly ColumnRequest[];
}
export interface Picker {
  /** @throws DataRefError INVALID_ARGUMENT for a column that the schema has not */
  resolve(schema: Schema): Picked;
  /** Looks at a batch of them before it is handed out: where it throws, the stream still stands before that batch. */
  readonly check?: ((batch: Batch) => void) | undefined;
}

/** The numbers of passes of a pipeline's repeats, innermost first; undefined where `take` may cut them off. */
export type Passes = readonly number[] | undefined;

/** What a pipeline begins with: a dataset in its order (SourceNode), or several streams joined. */
export interface PipelineSource {
  readonly rows: { readonly id: string; readonly version: string; readonly length: number };
  readonly options: {
    readonly order: { readonly seed: number | null };
    readonly shardBeforeShuffle: boolean;
    readonly dropShardRemainder: boolean;
    readonly shardFirst: boolean;
  };
  readonly world: World;
  /** Where the first iteration begins. */
  readonly first: Start;
}

/** A recipe whose outputs are known before reading: all begins with one dataset. */
export type Planned<R extends Common> = R & { readonly source: SourceNode };

interface Common {
  readonly source: PipelineSource;
  /** Functions run on each record of this shard, in order. */
  readonly maps: readonly RecordMap[];
  /** Elements read ahead at most, and bytes. */
  readonly prefetch: { readonly batches: number; readonly byteLimit: number } | undefined;
  /** What an adapter makes of the columns, last of all. */
  readonly picked: Picker | undefined;
  /** How many records `onError` left out, map by map. */
  readonly skips: readonly { readonly count: number }[];
  readonly passes: Passes;
  /** A state to take up once the whole pipeline is there. */
  readonly pending: StreamState | undefined;
}

/** What a stream of records does. Immutable; deriving copies it. */
export interface RecordRecipe extends Common {
  readonly plan: PlanNode<Segment>;
  /** Where only reading can tell what comes: the sequence before `maps`. `plan` then tells places alone. */
  readonly stage: Stage | undefined;
}

/** What a stream of batches does. */
export interface BatchRecipe extends Common {
  readonly plan: PlanNode<BatchPlan>;
  readonly stage: Stage<BatchGroup> | undefined;
  /** The batches of all shards together, for transforms that need the whole sequence. */
  readonly whole: () => Stage<BatchGroup>;
  /** Makes a stream of records: given, since batches are made by streams of records. */
  readonly records: (
    recipe: Pick<RecordRecipe, 'source' | 'stage' | 'prefetch' | 'pending' | 'skips' | 'passes'>,
  ) => unknown;
  readonly size: number;
  /** Rows of this shard in every batch, where no last one is kept short; padding counts. */
  readonly everyLength: number | undefined;
  readonly options: BatchOptions;
  readonly batchMaps: readonly BatchMap[];
}
