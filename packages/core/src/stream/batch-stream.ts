import { DataRefError, invalidArgument } from '../errors.js';
import type { Schema } from '../schema/types.js';
import { openBatchPass } from './batch-pass.js';
import type { DataBatch } from './batch.js';
import { announceAdapters } from './extensions.js';
import { countOf, refuseUnknown } from '../arguments.js';
import { IteratedFlow } from './flow.js';
import type { Pass } from './pass.js';
import { markedNode, type PlanNode, type Start } from './plan-node.js';
import type { BatchPlan } from './batch-node.js';
import type { BatchGroup } from './batch-stage.js';
import { openComputedBatches } from './computed-pass.js';
import { GroupColumns } from './group-columns.js';
import type { BatchRecipe, Picker, Planned } from './recipe.js';
import { RecordReader } from './record-reader.js';
import { repeatNode, repeatStage } from './repeat.js';
import { skipNode, skipStage } from './skip.js';
import { markedStage, planOfStage, type Stage } from './stage.js';
import { refuseEqualShards } from './stream-options.js';
import { takeNode, takeStage } from './take.js';
import { unbatchStage } from './unbatch.js';
import type { BatchStream, MapContext } from './types.js';

/** Streams of batches. */
export class BatchFlow extends IteratedFlow<any, BatchRecipe> implements BatchStream {
  protected readonly kind = 'BatchStream';
  /** Of planned records; computed ones come through `#columns`. */
  readonly #reader: RecordReader | undefined;
  readonly #columns: GroupColumns | undefined;

  constructor(recipe: BatchRecipe) {
    super(recipe);
    const { stage, maps, batchMaps, options } = recipe;
    if (stage === undefined) {
      this.#reader = new RecordReader((recipe as Planned<BatchRecipe>).source, maps);
    } else {
      const functions = stage.functions - batchMaps.length - maps.length;
      const schema = maps.length > 0 ? maps.at(-1)?.schema : stage.schema;
      this.#columns = new GroupColumns(maps, functions, schema, options.ragged === 'pad');
    }
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the batches, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return this.recipe.batchMaps.length > 0 ? undefined : (this.#reader ?? this.#columns)?.schema;
  }

  get batchSize(): number {
    return this.recipe.size;
  }

  get length(): number | undefined {
    return this.recipe.stage === undefined ? this.recipe.plan.own : undefined;
  }

  map(
    fn: (batch: any, context: MapContext) => unknown,
    { id, ...unknown }: { readonly id?: string | undefined } = {},
  ): any {
    if (typeof fn !== 'function')
      throw invalidArgument(
        `map of batches needs a function, got ${typeof fn}; modules run in workers on records: map before batch`,
      );
    refuseUnknown('map of batches', unknown, ['id']);
    const name = id === undefined ? 'map' : `map:${id}`;
    const batchMaps = [...this.recipe.batchMaps, { fn }];
    return this.#extend(
      { batchMaps },
      (plan) => markedNode(plan, name),
      (stage) => markedStage(stage, name, 'same'),
    );
  }

  repeat(count: number = Infinity): this {
    if (count !== Infinity) countOf('repeat: count', count, 0);
    return this.#extend(
      {},
      (plan) => repeatNode(plan, count, () => count * plan.own || 0),
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

  unbatch(): any {
    const { source, whole, prefetch, skips } = this.recipe;
    refuseEqualShards('unbatch', source);
    const stage = unbatchStage(whole(), this.recipe, source.world.shards);
    return this.recipe.records({ source, stage, prefetch, skips, pending: this.pending });
  }

  /** Ragged columns come as one array, the rest zero. */
  get padsRagged(): boolean {
    return this.recipe.options.ragged === 'pad';
  }

  /**
   * The same batches with the columns that an adapter asks for, converted while they are gathered. Their buffers are
   * the adapter's: they are written anew only after `release()`, whatever the stream's `reuse` says.
   */
  pick(picked: Picker): BatchFlow {
    return this.derive({ picked, options: { ...this.recipe.options, reuse: undefined } });
  }

  protected override openPass(start: Start): Pass<DataBatch> {
    const { stage } = this.recipe;
    return stage === undefined
      ? openBatchPass(this.recipe as Planned<BatchRecipe>, this.#reader as RecordReader, start)
      : openComputedBatches(this.recipe, stage, this.#columns as GroupColumns, start);
  }

  /** The stream with one transform more: on the plan, or where only reading can tell, on the stage; and on the whole. */
  #extend(
    changes: Partial<BatchRecipe>,
    onPlan: (plan: PlanNode<BatchPlan>) => PlanNode<BatchPlan>,
    onStage: (stage: Stage<BatchGroup>) => Stage<BatchGroup>,
  ): this {
    const { plan, stage, whole } = this.recipe;
    const next = stage && onStage(stage);
    return this.derive({
      ...changes,
      plan: next === undefined ? onPlan(plan) : planOfStage(next),
      stage: next,
      whole: () => onStage(whole()),
    });
  }

  protected override make(recipe: BatchRecipe): this {
    return new BatchFlow(recipe) as this;
  }

  protected override retire(batch: DataBatch): void {
    const { reuse } = this.recipe.options;
    if (reuse === true || reuse === 'checked') batch.release();
  }
}
announceAdapters(BatchFlow.prototype);

/** The schema, where it is known. @throws DataRefError UNSUPPORTED */
export function schemaOr(schema: Schema | undefined): Schema {
  if (schema !== undefined) return schema;
  throw new DataRefError(
    'UNSUPPORTED',
    'what map gives is known only after the first record; pass its schema: map(fn, { schema: { … } })',
  );
}
