import { countOf, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import type { RowSource } from '../rows/row-source.js';
import { parseSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { batchNode } from './batch-node.js';
import { batchStage } from './batch-stage.js';
import { BatchFlow, schemaOr } from './batch-stream.js';
import { bucketStage } from './bucket-by-length.js';
import { openComputedRecords } from './computed-pass.js';
import { announceAdapters } from './extensions.js';
import { filterStage } from './filter.js';
import { flatMapStage } from './flat-map.js';
import { IteratedFlow } from './flow.js';
import { MappedColumns } from './mapped-columns.js';
import { mappedStage } from './mapped-stage.js';
import { packStage } from './pack.js';
import type { Pass } from './pass.js';
import { markedNode, type PlanNode, type Segment, type Start } from './plan-node.js';
import type { Picker, Planned, RecordRecipe } from './recipe.js';
import { openRecordPass } from './record-pass.js';
import { RecordReader } from './record-reader.js';
import { recordsStage } from './records-stage.js';
import { repeatNode, repeatStage } from './repeat.js';
import { skipNode, skipStage } from './skip.js';
import { SourceNode, type SourceOptions } from './source-node.js';
import { markedStage, planOfStage, type Stage } from './stage.js';
import type { StreamState } from './state.js';
import { checkBatchOptions, checkStreamOptions, refuseEqualShards } from './stream-options.js';
import { takeNode, takeStage } from './take.js';
import { checkMap } from './map-options.js';
import { checkBucketing, checkPacking, checkWindows } from './transform-options.js';
import type {
  BatchOptions,
  BucketOptions,
  MapContext,
  MapOptions,
  PackOptions,
  Stream,
  WindowOptions,
  WorkerOptions,
} from './types.js';
import { windowStage } from './window.js';

type Fn = (record: any, context: MapContext) => unknown;

/** Streams of records. */
export class RecordFlow extends IteratedFlow<any, RecordRecipe> implements Stream {
  protected readonly kind = 'Stream';
  /** Of planned records; computed ones come through `#columns`. */
  readonly #reader: RecordReader | undefined;
  readonly #columns: MappedColumns | undefined;

  constructor(recipe: RecordRecipe) {
    super(recipe);
    const { stage, maps } = recipe;
    if (stage === undefined) this.#reader = new RecordReader((recipe as Planned<RecordRecipe>).source, maps);
    else this.#columns = new MappedColumns(maps.length > 0 ? maps.at(-1)?.schema : stage.schema);
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the records, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return (this.#reader ?? this.#columns)?.schema;
  }

  get length(): number | undefined {
    return this.recipe.stage === undefined ? this.recipe.plan.own : undefined;
  }

  map(fn: unknown, options: MapOptions & Partial<WorkerOptions> = {}): any {
    const map = checkMap(fn, options);
    const name = stepName('map', options.id);
    if (map.workers === undefined && map.onError === 'throw') {
      return this.#extend(
        { maps: [...this.recipe.maps, map] },
        (plan) => markedNode(plan, name),
        (stage) => markedStage(stage, name),
      );
    }
    const marked = markedStage(this.stage, name);
    const skips = [...this.recipe.skips, map.skips];
    // What may leave records out decides what comes next, so it runs on those of all shards, as a filter does.
    if (map.onError !== 'throw') return this.#compute('map with onError', mappedStage(marked, [map])).derive({ skips });
    return this.#computed(marked).derive({ maps: [map] });
  }

  filter(fn: unknown, { id, ...unknown }: { readonly id?: string | undefined } = {}): any {
    refuseUnknown('filter', unknown, ['id']);
    return this.#compute('filter', filterStage(this.stage, functionOf('filter', fn), stepName('filter', id)));
  }

  flatMap(
    fn: unknown,
    { schema: given, id, ...unknown }: { readonly schema?: Schema | undefined; readonly id?: string | undefined } = {},
  ): any {
    refuseUnknown('flatMap', unknown, ['schema', 'id']);
    const schema = given === undefined ? undefined : parseSchema(given);
    return this.#compute(
      'flatMap',
      flatMapStage(this.stage, functionOf('flatMap', fn), stepName('flatMap', id), schema),
    );
  }

  window(size: number, options?: WindowOptions): any {
    return this.#compute('window', windowStage(this.stage, checkWindows(size, options)));
  }

  pack(length: number, options?: PackOptions): any {
    return this.#compute('pack', packStage(this.stage, checkPacking(length, options)));
  }

  bucketByLength(groupSize: number, options?: BucketOptions): any {
    return this.#compute('bucketByLength', bucketStage(this.stage, checkBucketing(groupSize, options)));
  }

  batch(size: number, options?: BatchOptions): BatchFlow {
    return this.#batches('batch', size, options, false);
  }

  globalBatch(size: number, options?: BatchOptions): BatchFlow {
    if (this.recipe.source.options.shardBeforeShuffle) {
      throw invalidArgument('globalBatch needs one order over all shards: leave shardBeforeShuffle out, or use batch');
    }
    if (this.recipe.source.options.dropShardRemainder) {
      throw invalidArgument(
        "globalBatch gives all shards equally many batches already: leave dropShardRemainder out; remainder: 'drop' leaves out a last batch that is short",
      );
    }
    return this.#batches('globalBatch', size, options, true);
  }

  repeat(count: number = Infinity): this {
    if (count !== Infinity) countOf('repeat: count', count, 0);
    const { source } = this.recipe;
    return this.#extend(
      {},
      (plan) => repeatNode(plan, count, (total) => (source as SourceNode).shareOf(total)),
      (stage) => repeatStage(stage, count),
    );
  }

  take(count: number): this {
    const limit = countOf('take: count', count, 0);
    return this.#extend(
      {},
      (plan) => takeNode(plan, limit),
      (stage) => takeStage(stage, limit),
    );
  }

  skip(count: number): this {
    const skipped = countOf('skip: count', count, 0);
    return this.#extend(
      {},
      (plan) => skipNode(plan, skipped),
      (stage) => skipStage(stage, skipped),
    );
  }

  /** The same records with the columns that an adapter asks for, converted; read in chunks, so a bad value ends the chunk. */
  pick(picked: Picker): RecordFlow {
    return this.derive({ picked });
  }

  /** The records of all shards as a stage, for transforms whose outputs only reading can tell. */
  get stage(): Stage {
    const { stage, source, plan, maps } = this.recipe;
    if (stage === undefined) return recordsStage(source as SourceNode, plan, maps);
    return maps.length === 0 ? stage : mappedStage(stage, maps);
  }

  protected override openPass(start: Start): Pass<unknown> {
    const { stage } = this.recipe;
    return stage === undefined
      ? openRecordPass(this.recipe as Planned<RecordRecipe>, this.#reader as RecordReader, start)
      : openComputedRecords(this.recipe, stage, this.#columns as MappedColumns, start);
  }

  protected override make(recipe: RecordRecipe): this {
    return new RecordFlow(recipe) as this;
  }

  /** The stream with one transform more: on the plan or, where only reading can tell, on the stage. */
  #extend(
    changes: Partial<RecordRecipe>,
    onPlan: (plan: PlanNode<Segment>) => PlanNode<Segment>,
    onStage: (stage: Stage) => Stage,
  ): this {
    const { plan, stage } = this.recipe;
    const next = stage && onStage(stage);
    return this.derive({ ...changes, plan: next === undefined ? onPlan(plan) : planOfStage(next), stage: next });
  }

  /** @throws DataRefError INVALID_ARGUMENT */
  #compute(what: string, stage: Stage): RecordFlow {
    refuseEqualShards(what, this.recipe.source);
    return this.#computed(stage);
  }

  #computed(stage: Stage): RecordFlow {
    const { source, prefetch, skips } = this.recipe;
    return computedRecords({ source, stage, prefetch, skips, pending: this.pending });
  }

  #batches(what: string, size: number, options: BatchOptions | undefined, isGlobal: boolean): BatchFlow {
    const checked = checkBatchOptions(what, options);
    const rows = countOf(`${what}: size`, size, 1, 2 ** 31 - 1);
    const { source, maps, stage: computed, plan, prefetch, skips } = this.recipe;
    const { world } = source;
    const { remainder = 'keep' } = checked;
    const stage = computed && batchStage(computed, world, rows, isGlobal, remainder);
    return new BatchFlow({
      source,
      maps,
      // So many records ahead are so many batches ahead.
      prefetch: prefetch && { ...prefetch, batches: Math.max(1, Math.ceil(prefetch.batches / size)) },
      skips,
      pending: this.pending,
      plan: stage === undefined ? batchNode(plan, world, rows, isGlobal, remainder) : planOfStage(stage),
      stage,
      whole: () => {
        const all = isGlobal ? rows : rows * world.shards;
        return batchStage(this.stage, { rank: 0, shards: 1 }, all, true, remainder === 'pad' ? 'keep' : remainder);
      },
      records: computedRecords,
      size,
      options: checked,
      batchMaps: [],
      picked: undefined,
    });
  }
}
announceAdapters(RecordFlow.prototype);

/** A stream of what only reading can tell. */
export function computedRecords({
  source,
  stage,
  prefetch,
  skips,
  pending,
}: Pick<RecordRecipe, 'source' | 'prefetch' | 'pending' | 'skips'> & {
  readonly stage: Stage | undefined;
}): RecordFlow {
  const plan = planOfStage(stage as Stage);
  return new RecordFlow({ source, plan, stage, maps: [], picked: undefined, prefetch, skips, pending });
}

/** A stream over rows, with the options of `DataRef.stream`. */
export function streamRows(rows: RowSource, options: unknown): RecordFlow {
  return startStream(rows, checkStreamOptions(options, rows), undefined);
}

/** A stream that takes up a state once its pipeline is complete. */
export function startStream(rows: RowSource, options: SourceOptions, pending: StreamState | undefined): RecordFlow {
  const source = new SourceNode(rows, options);
  return new RecordFlow({
    source,
    plan: source,
    stage: undefined,
    maps: [],
    picked: undefined,
    prefetch: undefined,
    skips: [],
    pending,
  });
}

function functionOf(what: string, fn: unknown): Fn {
  if (typeof fn !== 'function') throw invalidArgument(`${what} needs a function, got ${typeof fn}`);
  return fn as Fn;
}

function stepName(name: string, id: string | undefined): string {
  return id === undefined ? name : `${name}:${id}`;
}
