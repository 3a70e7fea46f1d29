import { optionsOf, refuseUnknown } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import type { Schema } from '../schema/types.js';
import { openBatchPass } from './batch-pass.js';
import type { DataBatch } from './batch.js';
import { checkedPass } from './checked-pass.js';
import { announceAdapters } from './extensions.js';
import { IteratedFlow } from './flow.js';
import { knownBefore, type Learned } from './learned.js';
import { lazyPass, type Pass } from './pass.js';
import { markedNode, type PlanNode, type Start } from './plan-node.js';
import type { BatchRecipe, Picker, Planned } from './recipe.js';
import type { Stage } from './stage.js';
import { markedStage, stepStage } from './step-stage.js';
import { refuseDealtFirst, refuseEqualShards } from './stream-options.js';
import type { MapContext } from './types.js';

/** Streams of batches: what `BatchStream` promises, but for what adapters add to that. */
export class BatchFlow extends IteratedFlow<any, BatchRecipe> {
  protected readonly kind = 'BatchStream';
  readonly #learned: Learned;

  constructor(recipe: BatchRecipe) {
    super(recipe);
    this.#learned = knownBefore(recipe);
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the batches, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return this.recipe.batchMaps.length > 0 ? undefined : this.#learned.schema;
  }

  get batchSize(): number {
    return this.recipe.size;
  }

  map(fn: (batch: any, context: MapContext) => unknown, options?: { readonly id?: string | undefined }): any {
    const { id, ...unknown } = optionsOf('map of batches', options);
    if (typeof fn !== 'function')
      throw invalidArgument(
        `map of batches needs a function, got ${typeof fn}; modules run in workers on records: map before batch`,
      );
    refuseUnknown('map of batches', unknown, ['id']);
    const name = id === undefined ? 'map' : `map:${id}`;
    const batchMaps = [...this.recipe.batchMaps, { fn }];
    return this.extend(
      (plan) => markedNode(plan, name),
      (stage) => markedStage(stage, name, () => stage.schema),
      { batchMaps },
    );
  }

  unbatch(): any {
    const { source, whole, prefetch, skips, passes } = this.recipe;
    refuseEqualShards('unbatch', source);
    refuseDealtFirst('unbatch', source);
    const batches = whole();
    const learned: Learned = { schema: batches.schema };
    const schema = () => (this.recipe.batchMaps.length > 0 ? undefined : learned.schema);
    const stage = stepStage(batches, { name: 'unbatch', unit: source.world.shards, schema }, async () => {
      const loaded = await import('./unbatch.js');
      return loaded.unbatch(this.recipe, learned);
    });
    return this.recipe.records({ source, stage, prefetch, skips, passes, pending: this.pending });
  }

  /** Ragged columns come as one array, the rest zero. */
  get padsRagged(): boolean {
    return this.recipe.options.ragged === 'pad';
  }

  /** Rows of every batch, padding included; undefined where they may differ. */
  get everyLength(): number | undefined {
    return this.recipe.batchMaps.length > 0 ? undefined : this.recipe.everyLength;
  }

  /** A last batch with fewer records is filled up with rows of zeros. */
  get padsRemainder(): boolean {
    return this.recipe.options.remainder === 'pad';
  }

  /** The arrays of its batches may be known to functions of the user's. */
  get hasMaps(): boolean {
    return this.recipe.batchMaps.length > 0;
  }

  /**
   * The same batches with the columns that an adapter asks for, converted while they are gathered. Their buffers are
   * the adapter's: they are written anew only after `release()`, whatever the stream's `reuse` says.
   */
  pick(picked: Picker): BatchFlow {
    return this.derive({ picked, options: { ...this.recipe.options, reuse: undefined } });
  }

  protected override openPass(start: Start): Pass<DataBatch> {
    const { picked } = this.recipe;
    const pass = this.#openPass(start);
    return picked?.check === undefined ? pass : checkedPass(pass, picked.check);
  }

  #openPass(start: Start): Pass<DataBatch> {
    const { stage } = this.recipe;
    if (stage === undefined) return openBatchPass(this.recipe as Planned<BatchRecipe>, this.#learned, start);
    return lazyPass(async () => {
      const loaded = await import('./computed-pass.js');
      return loaded.openComputedBatches(this.recipe, stage, this.#learned, start);
    });
  }

  /** On the whole as well, which transforms of what only reading can tell go on from. */
  protected override extend(
    onPlan: (plan: PlanNode<any>) => PlanNode<any>,
    onStage: (stage: Stage<any>) => Stage<any>,
    changes: Partial<BatchRecipe> = {},
  ): this {
    const { whole } = this.recipe;
    return super.extend(onPlan, onStage, { ...changes, whole: () => onStage(whole()) });
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
