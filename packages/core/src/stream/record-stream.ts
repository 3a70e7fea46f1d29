import { countOf, optionsOf, refuseUnknown } from '../arguments.js';
import { invalidArgument, type DataRefError } from '../errors.js';
import type { RowSource } from '../rows/row-source.js';
import { parseSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import type { BatchGroup } from './batch-groups.js';
import { batchNode, type Remainder } from './batch-node.js';
import { BatchFlow, schemaOr } from './batch-stream.js';
import { shareOf, type World } from './deal.js';
import { declaredFor, nameStep } from './declared-schemas.js';
import { announceAdapters } from './extensions.js';
import { IteratedFlow } from './flow.js';
import { knownBefore, type Learned } from './learned.js';
import { checkMap } from './map-options.js';
import { mappedStage } from './mapped-stage.js';
import { packedSchema, requireColumns, requireLength, requirePositions } from './packed-schema.js';
import { lazyPass, type Pass } from './pass.js';
import { markedNode, type Start } from './plan-node.js';
import type { Picker, Planned, RecordRecipe } from './recipe.js';
import { openRecordPass } from './record-pass.js';
import { recordsStage } from './records-stage.js';
import { SourceNode, type SourceOptions } from './source-node.js';
import { planOfStage, type Stage } from './stage.js';
import type { StreamState } from './state.js';
import { markedStage, stepStage, type OpenStep, type StepOptions } from './step-stage.js';
import {
  checkBatchOptions,
  checkStreamOptions,
  refuseDealtFirst,
  refuseEqualShards,
  refuseUneven,
} from './stream-options.js';
import { checkBucketing, checkPacking, checkWindows } from './transform-options.js';
import type { BatchOptions, BucketOptions, MapOptions, PackOptions, WindowOptions, WorkerOptions } from './types.js';
import type { UserFunction } from './user-function.js';

/** Streams of records: what `Stream` promises, but for what adapters add to that. */
export class RecordFlow extends IteratedFlow<any, RecordRecipe> {
  protected readonly kind = 'Stream';
  readonly #learned: Learned;

  constructor(recipe: RecordRecipe) {
    super(recipe);
    this.#learned = knownBefore(recipe);
  }

  get schema(): any {
    return schemaOr(this.knownSchema);
  }

  /** Schema of the records, undefined where only a map's first result can tell. */
  get knownSchema(): Schema | undefined {
    return this.#learned.schema;
  }

  map(fn: unknown, options?: MapOptions & Partial<WorkerOptions>): any {
    const map = checkMap(fn, options, this.stage.functions);
    const name = stepName('map', options?.id);
    const marked = (stage: Stage) => markedStage(stage, name, () => undefined);
    const { maps, skips } = this.recipe;
    if (map.onError === 'throw') return this.extend((plan) => markedNode(plan, name), marked, { maps: [...maps, map] });
    // What may leave records out decides what comes next, so it runs on those of all shards, as a filter does.
    const stage = mappedStage(marked(this.stage), [map]);
    return this.#compute('map with onError', stage).derive({ skips: [...skips, map.skips] });
  }

  filter(fn: unknown, options?: { readonly id?: string | undefined }): any {
    const { id, ...unknown } = optionsOf('filter', options);
    refuseUnknown('filter', unknown, ['id']);
    const user = this.#user('filter', fn);
    return this.#step('filter', { name: stepName('filter', id), functions: 1 }, async () => {
      const loaded = await import('./filter.js');
      return loaded.filter(user);
    });
  }

  flatMap(fn: unknown, given?: { readonly schema?: Schema | undefined; readonly id?: string | undefined }): any {
    const { schema: described, id, ...unknown } = optionsOf('flatMap', given);
    refuseUnknown('flatMap', unknown, ['schema', 'id']);
    const user = this.#user('flatMap', fn);
    const schema =
      described === undefined ? undefined : declaredFor(nameStep('flatMap', user.step), parseSchema(described));
    const options = { name: stepName('flatMap', id), functions: 1, schema: () => schema, uneven: null };
    return this.#step('flatMap', options, async () => {
      const loaded = await import('./flat-map.js');
      return loaded.flatMap(user, schema);
    });
  }

  window(size: number, options?: WindowOptions): any {
    const windows = checkWindows(size, options);
    const schema = () => (windows.keepsRemainder ? undefined : listOf(this.knownSchema, size));
    const uneven = windows.keepsRemainder && size > 1 ? 'window' : undefined;
    return this.#step('window', { name: `window(${size},${windows.shift})`, schema, uneven }, async () => {
      const loaded = await import('./window.js');
      return loaded.windows(windows);
    });
  }

  pack(length: number, options?: PackOptions): any {
    const packing = checkPacking(length, options);
    refuseUneven('pack', this.stage);
    if (this.knownSchema !== undefined) requirePositions(this.knownSchema, packing);
    const schema = this.knownSchema && packedSchema(this.knownSchema, length);
    const how = packing.strategy === 'best-fit' ? `best-fit,${packing.blockSize}` : 'concatenate';
    return this.#step('pack', { name: `pack(${length},${how})`, schema: () => schema }, async () => {
      const loaded = await import('./pack.js');
      return loaded.pack(packing);
    });
  }

  bucketByLength(groupSize: number, options?: BucketOptions): any {
    const bucketing = checkBucketing(groupSize, options);
    if (bucketing.lengthOf === undefined && this.knownSchema !== undefined)
      requireLength('bucketByLength', this.knownSchema);
    return this.#step('bucketByLength', { name: `bucketByLength(${groupSize},${bucketing.blockSize})` }, async () => {
      const loaded = await import('./bucket-by-length.js');
      return loaded.bucketByLength(bucketing);
    });
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
    refuseDealtFirst('globalBatch', this.recipe.source);
    return this.#batches('globalBatch', size, options, true);
  }

  /** The same records with the columns that an adapter asks for, converted; read in chunks, so a bad value ends the chunk. */
  pick(picked: Picker): RecordFlow {
    return this.derive({ picked });
  }

  /** The records of all shards as a stage, for transforms whose outputs only reading can tell. */
  get stage(): Stage {
    const { stage, source, plan, maps } = this.recipe;
    const unmapped = stage ?? recordsStage(source as SourceNode, plan, maps.length);
    return maps.length === 0 ? unmapped : mappedStage(unmapped, maps);
  }

  protected override openPass(start: Start): Pass<unknown> {
    const { stage } = this.recipe;
    if (stage === undefined) return openRecordPass(this.recipe as Planned<RecordRecipe>, this.#learned, start);
    return lazyPass(async () => {
      const loaded = await import('./computed-pass.js');
      return loaded.openComputedRecords(this.recipe, stage, this.#learned, start);
    });
  }

  protected override make(recipe: RecordRecipe): this {
    return new RecordFlow(recipe) as this;
  }

  /** The stream with a transform more whose outputs only reading can tell. @throws DataRefError INVALID_ARGUMENT */
  #step<T>(what: string, options: StepOptions, load: () => Promise<OpenStep<unknown, T>>): RecordFlow {
    // What one rank holds of a record, or of several, no other rank could go on with.
    if (what !== 'filter') refuseDealtFirst(what, this.recipe.source);
    return this.#compute(what, stepStage(this.stage, options, load));
  }

  #compute(what: string, stage: Stage): RecordFlow {
    const { source, prefetch, skips, passes } = this.recipe;
    refuseEqualShards(what, source);
    return computedRecords({ source, stage, prefetch, skips, passes, pending: this.pending });
  }

  #user(what: string, fn: unknown): UserFunction {
    if (typeof fn !== 'function') throw invalidArgument(`${what} needs a function, got ${typeof fn}`);
    return { what, fn: fn as UserFunction['fn'], step: this.stage.functions };
  }

  #batches(what: string, size: number, options: BatchOptions | undefined, isGlobal: boolean): BatchFlow {
    const checked = checkBatchOptions(what, options);
    const rows = countOf(`${what}: size`, size, 1, 2 ** 31 - 1);
    refuseUneven(what, this.stage);
    if (this.knownSchema !== undefined) requireColumns(what, this.knownSchema);
    const { source, maps, stage: computed, plan, prefetch, skips, passes } = this.recipe;
    const { world } = source;
    const { remainder = 'keep' } = checked;
    const whole = isGlobal ? rows : rows * world.shards;
    const grouped = (stage: Stage, among: World, count: number, isOne: boolean, rest: Remainder) =>
      stepStage<unknown, BatchGroup>(stage, { name: 'batch', unit: 1 }, async () => {
        const loaded = await import('./batch-groups.js');
        return loaded.batchGroups(among, count, isOne, rest);
      });
    const stage = computed && grouped(computed, world, rows, isGlobal, remainder);
    return new BatchFlow({
      source,
      maps,
      // So many records ahead are so many batches ahead.
      prefetch: prefetch && { ...prefetch, batches: Math.max(1, Math.ceil(prefetch.batches / size)) },
      skips,
      passes,
      pending: this.pending,
      plan: stage === undefined ? batchNode(plan, world, rows, isGlobal, remainder) : planOfStage(stage),
      stage,
      whole: () => {
        // Batches of all ranks are so many records that other numbers of ranks would leave out others.
        if (!isGlobal && remainder === 'drop' && world.shards > 1) throw dropsByWorld(rows);
        return grouped(this.stage, { rank: 0, shards: 1 }, whole, true, remainder === 'pad' ? 'keep' : remainder);
      },
      records: computedRecords,
      size,
      everyLength: remainder === 'keep' ? undefined : shareOf(whole, world.rank, world.shards),
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
  passes,
  pending,
}: Pick<RecordRecipe, 'source' | 'prefetch' | 'pending' | 'skips' | 'passes'> & {
  readonly stage: Stage | undefined;
}): RecordFlow {
  const plan = planOfStage(stage as Stage);
  return new RecordFlow({ source, plan, stage, maps: [], picked: undefined, prefetch, skips, passes, pending });
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
    passes: [],
    pending,
  });
}

function dropsByWorld(size: number): DataRefError {
  return invalidArgument(
    `unbatch: which records batch(${size}, { remainder: 'drop' }) leaves out depends on the number of shards, and the rows of all shards are one sequence here: use globalBatch(size, { remainder: 'drop' }) before unbatch, or drop the remainder in the batch after it`,
  );
}

function stepName(name: string, id: string | undefined): string {
  return id === undefined ? name : `${name}:${id}`;
}

function listOf(schema: Schema | undefined, length: number): Schema | undefined {
  return schema && Array.from({ length }, () => schema);
}
