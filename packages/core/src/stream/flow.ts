import { countOf, refuseUnknown } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { stateOf, type Item, type Pass, type Place } from './pass.js';
import type { Cursor, PlanNode, Start } from './plan-node.js';
import { placeOf } from './place.js';
import { prefetched, type PrefetchLimits } from './prefetch.js';
import { parseState, type StreamState } from './state.js';
import type { Flow, PrefetchOptions } from './types.js';

/** What a flow needs to know of its recipe. */
export interface FlowRecipe {
  readonly plan: PlanNode<any>;
  readonly source: {
    readonly first: Start;
    readonly rows: { readonly length: number };
  };
  readonly prefetch: PrefetchLimits | undefined;
  readonly skips: readonly { readonly count: number }[];
  readonly pending: StreamState | undefined;
}

/**
 * Iterations over a recipe, one at a time: each claims the next epoch at its first `next()`, supersedes an older one,
 * and leaves the place after each element where `state` finds it.
 */
export abstract class IteratedFlow<T, R extends FlowRecipe> implements Flow<T> {
  /** @internal */
  readonly recipe: R;
  /** Where the next iteration begins. */
  #start: Start;
  /** The place after the last element; undefined where nothing has been handed out since the start was set. */
  #place: Place | undefined;
  #active: Iteration<T> | undefined;
  /** The state that the flow was made to stand at, which flows derived from it take up too. */
  #pending: StreamState | undefined;
  #needsPending: boolean;
  #closed = false;

  constructor(recipe: R) {
    this.recipe = recipe;
    this.#start = recipe.source.first;
    this.#pending = recipe.pending;
    this.#needsPending = recipe.pending !== undefined;
  }

  /** For the console. */
  protected abstract readonly kind: string;
  abstract get length(): number | undefined;
  protected abstract openPass(start: Start): Pass<T>;
  /** A flow of the same kind over another recipe. */
  protected abstract make(recipe: R): this;
  abstract repeat(count?: number): this;
  abstract take(count: number): this;
  abstract skip(count: number): this;
  /** Called with an element when the one after it is asked for. */
  protected retire(_element: T): void {}

  get epoch(): number {
    return this.#current().epoch;
  }

  get state(): StreamState {
    return stateOf(this.#current());
  }

  get skipped(): number {
    return this.recipe.skips.reduce((sum, { count }) => sum + count, 0);
  }

  resume(state: StreamState | undefined): this {
    const start = state === undefined ? this.recipe.source.first : startOf(parseState(state));
    this.recipe.plan.open(start); // refuses a state that does not fit
    this.#needsPending = false;
    this.#pending = state;
    this.#supersede().catch(() => undefined); // whoever iterates is told
    this.#start = start;
    this.#place = undefined;
    return this;
  }

  /** Whether it stands where a state says. */
  get isResumed(): boolean {
    return this.#pending !== undefined;
  }

  prefetch(options: PrefetchOptions = {}): this {
    if (typeof options !== 'object' || options === null)
      throw invalidArgument(`prefetch: options must be an object, such as { batches: 4 }, got ${String(options)}`);
    const { batches = 2, byteLimit = 256 * 2 ** 20, ...unknown } = options;
    refuseUnknown('prefetch', unknown, ['batches', 'byteLimit']);
    const prefetch = {
      batches: countOf('prefetch: batches', batches, 1),
      byteLimit: countOf('prefetch: byteLimit', byteLimit, 1),
    };
    return this.derive({ prefetch } as unknown as Partial<R>);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return new Iteration<T>((iteration) => this.#claim(iteration));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#supersede();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { source } = this.recipe;
    return `${this.kind} of ${source.rows.length.toLocaleString('en-US')} records, ${String(this.length)} elements an epoch`;
  }

  /** What was resumed; the whole pipeline's state, so that a transform chained later must find its part in it. */
  protected get pending(): StreamState | undefined {
    return this.#pending;
  }

  /** A copy with another recipe and its own cursor, which begins where this flow was told to begin. */
  protected derive(changes: Partial<R>): this {
    return this.make({ ...this.recipe, pending: this.#pending, ...changes });
  }

  #current(): Place {
    this.#takePending();
    if (this.#place !== undefined) return this.#place;
    const { cursor } = this.#begin(this.#start);
    return { epoch: cursor.epoch, lastEpoch: cursor.epoch, node: cursor.snapshot() };
  }

  /** A state given to `dataref.resume` is taken up once the pipeline is complete. */
  #takePending(): void {
    if (this.#needsPending) this.resume(this.recipe.pending);
  }

  /** Begins the next epoch for an iteration. */
  #claim(iteration: Iteration<T>): Supply<T> {
    if (this.#closed) throw new DataRefError('STREAM_CLOSED', 'the stream was closed; make a new one from the dataset');
    this.#takePending();
    const { plan, prefetch } = this.recipe;
    const { start, cursor } = this.#begin(
      this.#place === undefined ? this.#start : { epoch: this.#place.lastEpoch + 1, position: 0 },
    );
    this.#supersede().catch(() => undefined);
    const opened = this.openPass(start);
    const pass = prefetch === undefined ? opened : prefetched(opened, prefetch);
    this.#active = iteration;
    this.#place = placeOf(plan, cursor);
    return {
      pass,
      handOut: ({ value, after }) => {
        this.#place = after;
        return value;
      },
      retire: (element) => this.retire(element),
      end: () => {
        // Other shards may have come further, and all go on with the same epoch.
        const place = this.#place as Place;
        this.#place = { ...place, lastEpoch: Math.max(place.lastEpoch, pass.lastEpoch ?? 0) };
      },
    };
  }

  /** A start at the end of an epoch, with nothing left of it, is the beginning of the next one, where that has output. */
  #begin(start: Start): { readonly start: Start; readonly cursor: Cursor<any> } {
    const { plan } = this.recipe;
    const cursor = plan.open(start);
    if (cursor.remaining() > 0 || plan.total === 0) return { start, cursor };
    const next = { epoch: cursor.epoch + 1, position: 0 };
    return { start: next, cursor: plan.open(next) };
  }

  #supersede(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    return active?.supersede(this.#closed) ?? Promise.resolve();
  }
}

interface Supply<T> {
  readonly pass: Pass<T>;
  handOut(item: Item<T>): T;
  retire(element: T): void;
  /** The pass has no more. */
  end(): void;
}

/** One `for await` over a flow. Does nothing before its first `next()`; concurrent calls are served in turn. */
class Iteration<T> implements AsyncIterator<T> {
  readonly #claim: (self: Iteration<T>) => Supply<T>;
  #supply: Supply<T> | undefined;
  #handed: Item<T> | undefined;
  #busy: Promise<unknown> | undefined;
  #end: 'done' | 'superseded' | 'closed' | undefined;

  constructor(claim: (self: Iteration<T>) => Supply<T>) {
    this.#claim = claim;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#busy !== undefined) {
      const pull = () => this.#pull();
      return this.#track(this.#busy.then(pull, pull));
    }
    try {
      const result = this.#pull();
      return result instanceof Promise ? this.#track(result) : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Later calls wait for this one. */
  #track(result: Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> {
    this.#busy = result;
    const clear = (): void => {
      if (this.#busy === result) this.#busy = undefined;
    };
    result.then(clear, clear);
    return result;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end ??= 'done';
    await this.#supply?.pass.close();
    return { value: undefined, done: true };
  }

  async supersede(isClosed: boolean): Promise<void> {
    this.#end ??= isClosed ? 'closed' : 'superseded';
    await this.#supply?.pass.close();
  }

  /** At once where the element is at hand. */
  #pull(): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (this.#hasReturned()) return { value: undefined, done: true };
    const supply = (this.#supply ??= this.#claim(this));
    if (this.#handed !== undefined) supply.retire(this.#handed.value);
    this.#handed = undefined;
    let pulled: ReturnType<Pass<T>['next']>;
    try {
      pulled = supply.pass.next();
    } catch (error) {
      return this.#fail(error);
    }
    if (!(pulled instanceof Promise)) return this.#handOut(supply, pulled);
    return pulled.then(
      (item) => this.#handOut(supply, item),
      (error: unknown) => this.#fail(error),
    );
  }

  #handOut(
    supply: Supply<T>,
    item: Item<T> | undefined,
  ): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (item === undefined && !this.#hasReturned()) supply.end();
    if (item === undefined || this.#hasReturned()) return this.return();
    this.#handed = item;
    return { value: supply.handOut(item), done: false };
  }

  /** What a failure of the pass means: nothing any more, where the loop had ended before. */
  async #fail(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (this.#hasReturned()) return { value: undefined, done: true };
    await this.return();
    throw error;
  }

  #hasReturned(): boolean {
    return this.#end === 'done';
  }

  #refuseEnded(): void {
    if (this.#end === 'superseded') {
      throw new DataRefError(
        'SUPERSEDED',
        'a newer iteration of this stream has begun. Give each loop a stream of its own, or end one loop before the next begins',
      );
    }
    if (this.#end === 'closed')
      throw new DataRefError('STREAM_CLOSED', 'the stream was closed while this loop went on');
  }
}

function startOf({ node, epoch }: StreamState): Start {
  return { node, epoch };
}
