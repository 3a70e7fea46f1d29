import { DataRefError, invalidArgument } from '../errors.js';
import type { Schema } from '../schema/types.js';
import { openBatchPass } from './batch-pass.js';
import type { DataBatch } from './batch.js';
import { announceAdapters } from './extensions.js';
import { countOf } from '../arguments.js';
import { IteratedFlow } from './flow.js';
import type { Pass } from './pass.js';
import { markedNode, type Start } from './plan-node.js';
import type { BatchRecipe, Picker } from './recipe.js';
import { RecordReader } from './record-reader.js';
import { repeatNode } from './repeat.js';
import { skipNode } from './skip.js';
import { takeNode } from './take.js';
import type { BatchStream, MapContext } from './types.js';

/** Streams of batches. */
export class BatchFlow extends IteratedFlow<any, BatchRecipe> implements BatchStream {
  protected readonly kind = 'BatchStream';
  readonly #reader: RecordReader;

  constructor(recipe: BatchRecipe) {
    super(recipe);
    this.#reader = new RecordReader(recipe.source, recipe.maps);
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the batches, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return this.recipe.batchMaps.length > 0 ? undefined : this.#reader.schema;
  }

  get batchSize(): number {
    return this.recipe.size;
  }

  get length(): number {
    return this.recipe.plan.own;
  }

  map(fn: (batch: any, context: MapContext) => unknown, options: { readonly id?: string | undefined } = {}): any {
    if (typeof fn !== 'function') throw invalidArgument(`map needs a function, got ${typeof fn}`);
    const plan = markedNode(this.recipe.plan, options.id === undefined ? 'map' : `map:${options.id}`);
    return this.derive({ plan, batchMaps: [...this.recipe.batchMaps, { fn }] });
  }

  repeat(count: number = Infinity): this {
    if (count !== Infinity) countOf('repeat: count', count, 0);
    return this.derive({ plan: repeatNode(this.recipe.plan, count, () => count * this.recipe.plan.own || 0) });
  }

  take(count: number): this {
    return this.derive({ plan: takeNode(this.recipe.plan, countOf('take: count', count, 0)) });
  }

  skip(count: number): this {
    return this.derive({ plan: skipNode(this.recipe.plan, countOf('skip: count', count, 0)) });
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
    return openBatchPass(this.recipe, this.#reader, start);
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
