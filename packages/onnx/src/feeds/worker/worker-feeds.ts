import { DataRefError, parseState, type StreamState } from '@dataref/core';
import { Iteration, orAbort, type Supply } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import { poison, tensorsOf, type PlainFeeds } from '../batch-feeds.js';
import { FedBatch } from '../fed-batch.js';
import { noteFeeds } from '../made-feeds.js';
import type { ModelBinding } from '../model-inputs.js';
import type { OrtBatch, OrtWorkerFeeds } from '../types.js';
import type { Beginning, StateText } from './messages.js';
import { WorkerThread, type Told } from './worker-thread.js';

/** What feeds from a worker are made of. */
export interface WorkerRecipe {
  readonly ort: { readonly Tensor: typeof ort.Tensor };
  readonly model: ModelBinding;
  readonly poison: boolean;
  /** Ends the opening. */
  readonly signal?: AbortSignal | undefined;
}

/** A batch that came, before it is handed out. */
interface Arrived {
  readonly value: OrtBatch;
  readonly feeds: PlainFeeds;
  readonly skipped: number;
}
type Run = Iteration<OrtBatch, Arrived>;

/** @throws DataRefError as `toOrtFeeds` says */
export async function openWorkerFeeds(module: URL, recipe: WorkerRecipe): Promise<OrtWorkerFeeds> {
  const thread = new WorkerThread(module.href, recipe.model);
  try {
    const { length, state } = await orAbort(thread.opened, recipe.signal);
    return new WorkerFeeds(module.href, recipe, thread, length, stateOf(state));
  } catch (error) {
    await thread.close();
    throw error;
  }
}

/** Iterations over a stream in another thread. The place is that of the batch handed out last, whatever was made ahead. */
class WorkerFeeds implements OrtWorkerFeeds {
  readonly length: number | undefined;
  readonly #module: string;
  readonly #recipe: WorkerRecipe;
  readonly #initial: StreamState;
  #thread: WorkerThread;
  #state: StreamState;
  #skipped = 0;
  /** Where the next iteration begins, if it is not where the thread's stream stands. */
  #beginning: Beginning | undefined;
  /** The state before the batch handed out last. */
  #before: StreamState | undefined;
  #active: Run | undefined;
  /** The last iteration did not come to its end: the thread may have made more of it than was taken. */
  #isLeft = false;
  #last: PlainFeeds | undefined;
  #isClosed = false;

  constructor(
    module: string,
    recipe: WorkerRecipe,
    thread: WorkerThread,
    length: number | undefined,
    state: StreamState,
  ) {
    this.#module = module;
    this.#recipe = recipe;
    this.#thread = thread;
    this.length = length;
    this.#initial = state;
    this.#state = state;
    noteFeeds(this);
  }

  get state(): StreamState {
    return this.#state;
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  get skipped(): number {
    return this.#skipped;
  }

  resume(state: StreamState | undefined): this {
    const place = state === undefined ? undefined : parseState(state);
    this.#supersede();
    this.#beginning = { at: 'state', state: place && JSON.stringify(place) };
    this.#before = undefined;
    this.#state = place ?? this.#initial;
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<OrtBatch> {
    return new Iteration<OrtBatch, Arrived>((run) => this.#claim(run));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#supersede();
    await this.#thread.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #claim(run: Run): Supply<OrtBatch, Arrived> {
    if (this.#isClosed) throw new DataRefError('STREAM_CLOSED', 'the feeds were closed; make new ones with toOrtFeeds');
    this.#supersede();
    const beginning = this.#begin();
    const thread = this.#thread;
    const iteration = thread.begin(beginning);
    this.#active = run;
    this.#isLeft = true;
    return {
      pass: {
        next: () => this.#next(thread, iteration),
        close: async () => thread.stop(iteration),
      },
      handOut: ({ value, feeds, skipped }) => {
        this.#before = this.#state;
        this.#state = value.state;
        this.#skipped = skipped;
        this.#last = feeds;
        return value;
      },
      retire: () => {
        if (this.#recipe.poison && this.#last !== undefined) poison(this.#last);
        this.#last = undefined;
      },
      end: () => {
        this.#isLeft = false;
      },
    };
  }

  /** Where the next iteration begins, in a thread that lives. */
  #begin(): Beginning {
    const { isDead } = this.#thread;
    if (isDead) this.#thread = new WorkerThread(this.#module, this.#recipe.model);
    const resumed = this.#beginning;
    this.#beginning = undefined;
    if (resumed !== undefined) return resumed;
    if (this.#before !== undefined && (this.#isLeft || isDead))
      return { at: 'epoch after', before: JSON.stringify(this.#before) };
    return isDead ? { at: 'state', state: JSON.stringify(this.#state) } : { at: 'here' };
  }

  async #next(thread: WorkerThread, iteration: number): Promise<Arrived | undefined> {
    try {
      await thread.opened;
    } catch (error) {
      await thread.close(); // another iteration tries anew
      throw error;
    }
    for (;;) {
      const told = await thread.next(iteration);
      if (told === undefined) return undefined;
      if (told.told === 'batch') return this.#arrived(told);
      this.#state = stateOf(told.state);
      if (told.told === 'end') {
        this.#skipped = told.skipped;
        return undefined;
      }
      this.#before = undefined;
    }
  }

  #arrived({ batch, skipped }: Extract<Told, { readonly told: 'batch' }>): Arrived {
    const { feeds, state, ...rest } = batch;
    const source = { ...rest, state: stateOf(state) };
    return { value: new FedBatch(tensorsOf(this.#recipe.ort, feeds), source), feeds, skipped };
  }

  #supersede(): void {
    const active = this.#active;
    this.#active = undefined;
    active?.supersede(this.#isClosed).catch(() => undefined); // whoever iterates is told
  }
}

function stateOf(text: StateText): StreamState {
  return JSON.parse(text) as StreamState;
}
