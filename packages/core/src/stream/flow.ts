import { countOf, optionsOf, refuseUnknown } from '../arguments.js';
import { DataRefError } from '../errors.js';
import type { World } from './deal.js';
import { Iteration, type Supply } from './iteration.js';
import { lastEpochOf } from './last-epoch.js';
import { stateOf, type Pass, type Place } from './pass.js';
import { layersOf, type Cursor, type PlanNode, type Start } from './plan-node.js';
import { endPlace, placeOf } from './place.js';
import type { Passes } from './recipe.js';
import { prefetched, type PrefetchLimits } from './prefetch.js';
import { repeatNode, repeatStage } from './repeat.js';
import { skipNode, skipStage } from './skip.js';
import { planOfStage, type Stage } from './stage.js';
import { takeNode, takeStage } from './take.js';
import { parseState, type StreamState } from './state.js';
import type { Flow, PrefetchOptions } from './types.js';

/** What a flow needs to know of its recipe. */
export interface FlowRecipe {
  readonly plan: PlanNode<any>;
  readonly stage: Stage<any> | undefined;
  readonly source: {
    readonly first: Start;
    readonly options: { readonly shardFirst: boolean };
    readonly world: World;
    readonly rows: { readonly length: number };
  };
  readonly prefetch: PrefetchLimits | undefined;
  readonly skips: readonly { readonly count: number }[];
  readonly passes: Passes;
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
  protected abstract openPass(start: Start): Pass<T>;
  /** A flow of the same kind over another recipe. */
  protected abstract make(recipe: R): this;
  /** Called with an element when the one after it is asked for. */
  protected retire(_element: T): void {}

  get epoch(): number {
    return this.#current().epoch;
  }

  get state(): StreamState {
    return stateOf(this.#current());
  }

  get length(): number | undefined {
    const { stage, plan, passes } = this.recipe;
    if (stage === undefined) return plan.own;
    return passes?.includes(Infinity) === true ? Infinity : undefined;
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

  repeat(count: number = Infinity): this {
    if (count !== Infinity) countOf('repeat: count', count, 0);
    const { source, passes } = this.recipe;
    return this.extend(
      (plan) => repeatNode(plan, count, source.world.rank),
      (stage) => repeatStage(stage, count, passes, source.options.shardFirst),
      { passes: passes && [...passes, count] } as unknown as Partial<R>,
    );
  }

  take(count: number): this {
    const limit = countOf('take: count', count, 0);
    const { passes } = this.recipe;
    return this.extend(
      (plan) => takeNode(plan, limit),
      (stage) => takeStage(stage, limit),
      { passes: passes?.length === 0 ? passes : undefined } as unknown as Partial<R>,
    );
  }

  skip(count: number): this {
    const skipped = countOf('skip: count', count, 0);
    return this.extend(
      (plan) => skipNode(plan, skipped),
      (stage) => skipStage(stage, skipped),
    );
  }

  prefetch(options?: PrefetchOptions): this {
    const { batches = 2, byteLimit = 256 * 2 ** 20, ...unknown } = optionsOf('prefetch', options);
    refuseUnknown('prefetch', unknown, ['batches', 'byteLimit']);
    const prefetch = {
      batches: countOf('prefetch: batches', batches, 0),
      byteLimit: countOf('prefetch: byteLimit', byteLimit, 1),
    };
    return this.derive({ prefetch: prefetch.batches === 0 ? undefined : prefetch } as unknown as Partial<R>);
  }

  [Symbol.asyncIterator](): Iteration<T> {
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

  /** The flow with one transform more: on the plan or, where only reading can tell, on the stage. */
  protected extend(
    onPlan: (plan: PlanNode<any>) => PlanNode<any>,
    onStage: (stage: Stage<any>) => Stage<any>,
    changes: Partial<R> = {},
  ): this {
    const { plan, stage } = this.recipe;
    const next = stage && onStage(stage);
    return this.derive({ ...changes, plan: next === undefined ? onPlan(plan) : planOfStage(next), stage: next });
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
    const { plan, prefetch, passes } = this.recipe;
    const layers = layersOf(this.#start);
    const { start: begun, cursor } = this.#begin(
      this.#place === undefined ? this.#start : { epoch: this.#place.lastEpoch + 1, position: 0, layers },
    );
    const start = { ...begun, lastEpoch: lastEpochOf(begun, passes) };
    this.#supersede().catch(() => undefined);
    const opened = this.openPass(start);
    const pass = prefetch === undefined ? opened : prefetched(opened, prefetch);
    this.#active = iteration;
    this.#place = placeOf(plan, cursor, start);
    return {
      pass,
      handOut: ({ value, after }) => {
        this.#place = after;
        return value;
      },
      retire: (element) => this.retire(element),
      end: () => {
        // Other shards may have come further, or have something left; all go on with the same epoch.
        const { lastEpoch } = this.#place as Place;
        this.#place = endPlace(plan, start, Math.max(lastEpoch, pass.lastEpoch ?? 0));
      },
    };
  }

  /**
   * A start at the end of an epoch, with nothing left of it, is the beginning of the next one, where that has output. Of what
   * is left for others `shardFirst` knows nothing.
   */
  #begin(start: Start): { readonly start: Start; readonly cursor: Cursor<any> } {
    const { plan, source } = this.recipe;
    const cursor = plan.open(start);
    if (cursor.remaining() > 0 || plan.total === 0 || source.options.shardFirst) return { start, cursor };
    const next = { epoch: cursor.epoch + 1, position: 0 };
    return { start: next, cursor: plan.open(next) };
  }

  #supersede(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    return active?.supersede(this.#closed) ?? Promise.resolve();
  }
}

function startOf({ node, epoch }: StreamState): Start {
  return { node, epoch };
}
