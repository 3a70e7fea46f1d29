import { DataRefError, type StreamState } from '@dataref/core';
import { BatchFlow, countOf, type RecordFlow } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { openElements, type DatasetRecipe, type Follower } from './element-source.js';
import type { TensorMap } from './tensor-map.js';
import type { TfDataset } from './types.js';

type Container = Tf.TensorContainer;
type LazyIterator = Awaited<ReturnType<Tf.data.Dataset<Container>['iterator']>>;
type DatasetClass = new (recipe: DatasetRecipe) => Tf.data.Dataset<Container>;

/** What else of ours needs to know about a dataset of ours. */
interface Inside {
  readonly tf: typeof Tf;
  readonly followers: Set<Follower>;
  readonly flow: RecordFlow | BatchFlow;
  /** The epoch in which it was last resumed. */
  resumedEpoch: number | undefined;
}
const insides = new WeakMap<object, Inside>();

/** @throws DataRefError INVALID_ARGUMENT for a dataset that is not ours */
export function insideOf(dataset: unknown): Inside {
  const inside = typeof dataset === 'object' && dataset !== null ? insides.get(dataset) : undefined;
  if (inside !== undefined) return inside;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    'dataset must be what toTfDataset gave; one that a method of tf.data made of it has no states. Put maps into the stream, before toTfDataset, and leave records out when the dataset is submitted',
  );
}

export function makeDataset(recipe: DatasetRecipe): TfDataset<any> {
  return new (classFor(recipe.tf))(recipe) as TfDataset<any>;
}

/** One class for each TensorFlow.js in the process, so that its own `instanceof` holds. */
const classes = new WeakMap<object, DatasetClass>();
function classFor(tf: typeof Tf): DatasetClass {
  const known = classes.get(tf.data.Dataset);
  if (known !== undefined) return known;
  const made = defineClass(tf);
  classes.set(tf.data.Dataset, made);
  return made;
}

function defineClass(tf: typeof Tf): DatasetClass {
  return class FlowDataset extends tf.data.Dataset<Container> {
    override readonly size: number;
    readonly #recipe: DatasetRecipe;
    readonly #followers = new Set<Follower>();

    constructor(recipe: DatasetRecipe) {
      super();
      this.size = (recipe.flow.length ?? null) as number; // null: only reading can tell
      this.#recipe = recipe;
      const { tf: own, flow } = recipe;
      insides.set(this, { tf: own, flow, followers: this.#followers, resumedEpoch: undefined });
    }

    get state(): StreamState {
      return this.#recipe.flow.state;
    }

    get epoch(): number {
      return this.#recipe.flow.epoch;
    }

    resume(state: StreamState | undefined): this {
      this.#recipe.flow.resume(state);
      insideOf(this).resumedEpoch = state?.epoch;
      return this;
    }

    close(): Promise<void> {
      return this.#recipe.flow.close();
    }

    override async iterator(): Promise<LazyIterator> {
      const elements = this[Symbol.asyncIterator]();
      const iterator = await tf.data.generator(() => ({ next: () => elements.next() })).iterator();
      return noteWrapping(iterator, this.#followers);
    }

    [Symbol.asyncIterator](): AsyncIterableIterator<Container> {
      return openElements(this.#recipe, this.#followers);
    }

    override batch(size: number, smallLastBatch = true): any {
      const { flow, maps } = this.#recipe;
      // Over mapped tensors only tfjs itself can batch.
      if (maps.length > 0) return super.batch(size, smallLastBatch);
      if (flow instanceof BatchFlow) {
        throw new DataRefError(
          'UNSUPPORTED',
          `the elements are batches of ${flow.batchSize} already; for other batches, batch the stream so: stream().batch(${String(size)}).toTfDataset()`,
        );
      }
      const columns = this.#recipe.columns.for('batches');
      if (flow.knownSchema !== undefined) columns.resolve(flow.knownSchema);
      const batches = flow.batch(size, { remainder: smallLastBatch ? 'keep' : 'drop' }).pick(columns);
      return new FlowDataset({ ...this.#recipe, columns, flow: batches });
    }

    override repeat(count = -1): any {
      const { flow } = this.#recipe;
      return this.#with(count < 0 ? flow.repeat() : flow.repeat(count));
    }

    override take(count = -1): any {
      return count < 0 ? this.#with(this.#recipe.flow) : this.#with(this.#recipe.flow.take(count));
    }

    override skip(count: number): any {
      return this.#with(this.#recipe.flow.skip(count));
    }

    override prefetch(batches: number): any {
      return this.#with(this.#recipe.flow.prefetch({ batches: countOf('prefetch: batches', batches, 1) }));
    }

    override map(fn: (value: any) => any): any {
      return this.#mapped({ fn, isAsync: false });
    }

    override mapAsync(fn: (value: any) => Promise<any>): any {
      return this.#mapped({ fn, isAsync: true });
    }

    override shuffle(): never {
      throw new DataRefError(
        'UNSUPPORTED',
        'a stream is shuffled where it begins, as a whole and not through a window: dataref.stream({ shuffle: true, shuffleSeed: 1 })',
      );
    }

    #mapped(map: TensorMap): FlowDataset {
      if (typeof map.fn !== 'function') {
        throw new DataRefError('INVALID_ARGUMENT', `map needs a function, got ${typeof map.fn}`);
      }
      return new FlowDataset({ ...this.#recipe, maps: [...this.#recipe.maps, map] });
    }

    #with(flow: RecordFlow | BatchFlow): FlowDataset {
      return new FlowDataset({ ...this.#recipe, flow });
    }
  };
}

/** Iterator methods by which tfjs's own datasets take elements away, add some, or read ahead. */
const WRAPPERS = [
  'filter',
  'map',
  'mapAsync',
  'serialMapAsync',
  'flatmap',
  'rowMajorBatch',
  'columnMajorBatch',
  'concatenate',
  'take',
  'skip',
  'prefetch',
  'shuffle',
] as const;

function noteWrapping(iterator: LazyIterator, followers: ReadonlySet<Follower>): LazyIterator {
  const methods = iterator as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of WRAPPERS) {
    const own = methods[name];
    if (own === undefined) continue;
    methods[name] = (...args) => {
      for (const follower of followers) follower.wrapped(name);
      return own.apply(iterator, args);
    };
  }
  return iterator;
}
