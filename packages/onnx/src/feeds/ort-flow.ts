import type { Flow, StreamState } from '@dataref/core';
import type { BatchFlow, DataBatch, Iteration } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import { feedsOf, poison, tensorsOf, type PlainFeeds } from './batch-feeds.js';
import type { Binding } from './binding.js';
import { FedBatch } from './fed-batch.js';
import { KeptTensors } from './kept-tensors.js';
import { noteFeeds } from './made-feeds.js';
import type { OrtBatch } from './types.js';

type PrefetchOptions = Parameters<Flow<OrtBatch>['prefetch']>[0];

/** What feeds are made of. */
export interface FeedRecipe {
  readonly ort: { readonly Tensor: typeof ort.Tensor };
  readonly binding: Binding;
  readonly reuse: boolean;
  readonly poison: boolean;
}

/** A stream of batches as feeds: the same iterations, states and transforms. */
export class OrtFlow implements Flow<OrtBatch> {
  readonly #flow: BatchFlow;
  readonly #recipe: FeedRecipe;

  /** @param flow yields what the binding picks */
  constructor(flow: BatchFlow, recipe: FeedRecipe) {
    this.#flow = flow;
    this.#recipe = recipe;
    noteFeeds(this);
  }

  get length(): number | undefined {
    return this.#flow.length;
  }

  get epoch(): number {
    return this.#flow.epoch;
  }

  get state(): StreamState {
    return this.#flow.state;
  }

  get skipped(): number {
    return this.#flow.skipped;
  }

  resume(state: StreamState | undefined): this {
    this.#flow.resume(state);
    return this;
  }

  repeat(count?: number): this {
    return this.#with(this.#flow.repeat(count));
  }

  take(count: number): this {
    return this.#with(this.#flow.take(count));
  }

  skip(count: number): this {
    return this.#with(this.#flow.skip(count));
  }

  prefetch(options?: PrefetchOptions): this {
    return this.#with(this.#flow.prefetch(options));
  }

  close(): Promise<void> {
    return this.#flow.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<OrtBatch> {
    return new FeedIterator(this.#flow, this.#recipe);
  }

  #with(flow: BatchFlow): this {
    return new OrtFlow(flow, this.#recipe) as this;
  }
}

type Step = IteratorResult<OrtBatch, undefined>;

/** One iteration. The flow's own serves concurrent calls in turn. */
class FeedIterator implements AsyncIterator<OrtBatch> {
  readonly #batches: Iteration<DataBatch>;
  readonly #recipe: FeedRecipe;
  readonly #isPrivate: boolean;
  /** Where arrays are written anew. */
  readonly #kept: KeptTensors | undefined;
  /** Handed out last, where its arrays are written anew. */
  #last: DataBatch | undefined;
  /** Handed out last, where they are to be poisoned. */
  #expiring: PlainFeeds | undefined;

  constructor(flow: BatchFlow, recipe: FeedRecipe) {
    this.#batches = flow[Symbol.asyncIterator]();
    this.#recipe = recipe;
    this.#isPrivate = !flow.hasMaps;
    // What was poisoned is not written anew, so that it stays so.
    if (recipe.reuse && !recipe.poison && this.#isPrivate) this.#kept = new KeptTensors(recipe.ort, recipe.binding);
  }

  /** A batch that is at hand costs one promise. */
  next(): Promise<Step> {
    try {
      this.#retire();
      const step = this.#batches.take();
      if (step instanceof Promise) return step.then((taken) => this.#feed(taken));
      const fed = this.#feed(step);
      return fed instanceof Promise ? fed : Promise.resolve(fed);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async return(): Promise<Step> {
    await this.#batches.return();
    return { value: undefined, done: true };
  }

  #feed(step: IteratorResult<DataBatch, undefined>): Step | Promise<never> {
    this.#retire();
    if (step.done === true) return step;
    try {
      const feeds = this.#tensorsOf(step.value);
      return { value: new FedBatch(feeds, step.value), done: false };
    } catch (error) {
      return this.#fail(error);
    }
  }

  #tensorsOf(batch: DataBatch): OrtBatch['feeds'] {
    if (this.#kept !== undefined) return this.#kept.of((this.#last = batch));
    const { ort: runtime, binding, poison: poisons } = this.#recipe;
    const feeds = feedsOf(batch, binding, this.#isPrivate);
    if (poisons) this.#expiring = feeds;
    return tensorsOf(runtime, feeds);
  }

  async #fail(error: unknown): Promise<never> {
    await this.#batches.return();
    throw error;
  }

  /** Ends the life of the arrays that were handed out last. */
  #retire(): void {
    if (this.#kept !== undefined) this.#last?.release();
    else if (this.#expiring !== undefined) poison(this.#expiring);
    this.#last = this.#expiring = undefined;
  }
}
