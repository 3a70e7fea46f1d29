import type { Flow, StreamState } from '@dataref/core';
import type { BatchFlow, DataBatch } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import { feedsOf, poison, tensorsOf, type PlainFeeds } from './batch-feeds.js';
import type { Binding } from './binding.js';
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

/** One iteration. The flow's own serves concurrent calls in turn. */
class FeedIterator implements AsyncIterator<OrtBatch> {
  readonly #batches: AsyncIterator<DataBatch>;
  readonly #recipe: FeedRecipe;
  readonly #isPrivate: boolean;
  #last: { readonly batch: DataBatch; readonly feeds: PlainFeeds } | undefined;

  constructor(flow: BatchFlow, recipe: FeedRecipe) {
    this.#batches = flow[Symbol.asyncIterator]();
    this.#recipe = recipe;
    this.#isPrivate = !flow.hasMaps;
  }

  async next(): Promise<IteratorResult<OrtBatch, undefined>> {
    this.#retire();
    const step = await this.#batches.next();
    this.#retire();
    if (step.done === true) return { value: undefined, done: true };
    const batch = step.value;
    try {
      const feeds = feedsOf(batch, this.#recipe.binding, this.#isPrivate);
      this.#last = { batch, feeds };
      const { length, validLength, globalLength, epoch } = batch;
      const value: OrtBatch = {
        feeds: tensorsOf(this.#recipe.ort, feeds),
        length,
        validLength,
        globalLength,
        epoch,
        get state() {
          return batch.state;
        },
      };
      return { value, done: false };
    } catch (error) {
      await this.#batches.return?.();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<OrtBatch, undefined>> {
    await this.#batches.return?.();
    return { value: undefined, done: true };
  }

  /** Ends the life of the arrays that were handed out last. */
  #retire(): void {
    if (this.#last === undefined) return;
    const { batch, feeds } = this.#last;
    this.#last = undefined;
    // What was poisoned is not written anew, so that it stays so.
    if (this.#recipe.poison) poison(feeds);
    else if (this.#recipe.reuse && this.#isPrivate) batch.release();
  }
}
