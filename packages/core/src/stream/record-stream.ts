import { invalidArgument } from '../errors.js';
import type { RowSource } from '../rows/row-source.js';
import { parseSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { batchNode } from './batch-node.js';
import { BatchFlow, schemaOr } from './batch-stream.js';
import { announceAdapters } from './extensions.js';
import { countOf } from '../arguments.js';
import { IteratedFlow } from './flow.js';
import type { Pass } from './pass.js';
import { markedNode, type Start } from './plan-node.js';
import type { Picker, RecordRecipe } from './recipe.js';
import { openRecordPass } from './record-pass.js';
import { RecordReader } from './record-reader.js';
import { repeatNode } from './repeat.js';
import { skipNode } from './skip.js';
import { SourceNode, type SourceOptions } from './source-node.js';
import type { StreamState } from './state.js';
import { checkBatchOptions, checkStreamOptions } from './stream-options.js';
import { takeNode } from './take.js';
import type { BatchOptions, MapContext, Stream } from './types.js';

/** Streams of records. */
export class RecordFlow extends IteratedFlow<any, RecordRecipe> implements Stream {
  protected readonly kind = 'Stream';
  readonly #reader: RecordReader;

  constructor(recipe: RecordRecipe) {
    super(recipe);
    this.#reader = new RecordReader(recipe.source, recipe.maps);
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the records, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return this.#reader.schema;
  }

  get length(): number {
    return this.recipe.plan.own;
  }

  map(fn: unknown, options: { readonly schema?: Schema | undefined; readonly id?: string | undefined } = {}): any {
    if (typeof fn !== 'function') throw invalidArgument(`map needs a function, got ${typeof fn}`);
    const schema = options.schema === undefined ? undefined : parseSchema(options.schema);
    const plan = markedNode(this.recipe.plan, options.id === undefined ? 'map' : `map:${options.id}`);
    const map = { fn: fn as (record: any, context: MapContext) => unknown, schema };
    return this.derive({ plan, maps: [...this.recipe.maps, map] });
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
    return this.derive({ plan: repeatNode(this.recipe.plan, count, (total) => this.recipe.source.shareOf(total)) });
  }

  take(count: number): this {
    return this.derive({ plan: takeNode(this.recipe.plan, countOf('take: count', count, 0)) });
  }

  skip(count: number): this {
    return this.derive({ plan: skipNode(this.recipe.plan, countOf('skip: count', count, 0)) });
  }

  /** The same records with the columns that an adapter asks for, converted; read in chunks, so a bad value ends the chunk. */
  pick(picked: Picker): RecordFlow {
    return this.derive({ picked });
  }

  protected override openPass(start: Start): Pass<unknown> {
    return openRecordPass(this.recipe, this.#reader, start);
  }

  protected override make(recipe: RecordRecipe): this {
    return new RecordFlow(recipe) as this;
  }

  #batches(what: string, size: number, options: BatchOptions | undefined, isGlobal: boolean): BatchFlow {
    const checked = checkBatchOptions(what, options);
    const { source, maps, prefetch } = this.recipe;
    const plan = batchNode(
      this.recipe.plan,
      source.world,
      countOf(`${what}: size`, size, 1, 2 ** 31 - 1),
      isGlobal,
      checked.remainder ?? 'keep',
    );
    return new BatchFlow({
      source,
      maps,
      // So many records ahead are so many batches ahead.
      prefetch: prefetch && { ...prefetch, batches: Math.max(1, Math.ceil(prefetch.batches / size)) },
      pending: this.pending,
      plan,
      size,
      options: checked,
      batchMaps: [],
      picked: undefined,
    });
  }
}
announceAdapters(RecordFlow.prototype);

/** A stream over rows, with the options of `DataRef.stream`. */
export function streamRows(rows: RowSource, options: unknown): RecordFlow {
  return startStream(rows, checkStreamOptions(options, rows), undefined);
}

/** A stream that takes up a state once its pipeline is complete. */
export function startStream(rows: RowSource, options: SourceOptions, pending: StreamState | undefined): RecordFlow {
  const source = new SourceNode(rows, options);
  return new RecordFlow({ source, plan: source, maps: [], picked: undefined, prefetch: undefined, pending });
}
