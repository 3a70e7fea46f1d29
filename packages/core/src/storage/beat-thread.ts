import type { Worker } from 'node:worker_threads';
import type { ObjectStore, StoreRecipe } from '../store/object-store.js';
import { startBeats, type Beats, type HeldLease } from './beats.js';

/** What the thread is told. */
export type BeatRequest =
  | { readonly kind: 'start'; readonly id: number; readonly lease: HeldLease; readonly beatMs: number }
  | { readonly kind: 'recipe'; readonly id: number; readonly recipe: StoreRecipe }
  | { readonly kind: 'stop'; readonly id: number };
/** What it answers: a lease is kept no more, or a beat of it failed. */
export type BeatAnswer = { readonly stopped: number } | { readonly missed: number };

/** A recipe that cannot be had is asked for again. */
const RETRY_MS = 1_000;
/** The thread outlives its last lease by so much: who writes one thing after another needs one thread, not one for each. */
const LINGER_MS = 1_000;

/** A lease that is kept alive from the thread, and what does so from here should the thread, or a beat of its, fail. */
interface Kept {
  readonly takeOver: () => Beats;
  isEnding?: boolean;
  stopped?: () => void;
  beats?: Beats;
}

/**
 * Signs of life from a worker thread, so that a thread that is busy keeps its leases; from this thread where there are
 * no workers, where the store has no recipe, or where the worker fails (as where a bundle has lost its module); and from
 * both once a beat of the worker fails, whose store may reach less than the one here (a proxy, certificates). All leases
 * share one worker, which keeps no process alive and ends a moment after the last of them.
 * Once it resolves, the worker needs nothing of this thread.
 */
export async function startThreadBeats(store: ObjectStore, lease: HeldLease, beatMs: number): Promise<Beats> {
  const here = (): Beats => startBeats(() => store, lease, beatMs);
  const recipe = await recipeOf(store);
  const worker = recipe === undefined ? undefined : (thread ??= BeatThread.start());
  if (recipe === undefined || worker === undefined) return here();
  try {
    return worker.keep(store, recipe, lease, beatMs, here);
  } catch {
    worker.endIfIdle();
    return here();
  }
}

/** None where it cannot be had now: then beats come from here, and fail or not with all the rest. */
async function recipeOf(store: ObjectStore): Promise<StoreRecipe | undefined> {
  try {
    return await store.recipe?.();
  } catch {
    return undefined;
  }
}

let thread: BeatThread | undefined;

class BeatThread {
  readonly #worker: Worker;
  readonly #kept = new Map<number, Kept>();
  #lastId = 0;
  /** Who waits for an answer. */
  #waiting = 0;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  /** Undefined where the runtime has no workers. */
  static start(): BeatThread | undefined {
    const workers = globalThis.process?.getBuiltinModule?.('node:worker_threads');
    try {
      const module = new URL('./beat-worker.js', import.meta.url);
      // What the program was started with (loaders, a debugger) is not for this thread; and what an SDK warns of when it
      // is loaded, it has warned of already.
      return workers && new BeatThread(new workers.Worker(module, { execArgv: ['--no-warnings'] }));
    } catch {
      return undefined;
    }
  }

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: BeatAnswer) => {
      if ('stopped' in answer) this.#kept.get(answer.stopped)?.stopped?.();
      else this.#takeOver(this.#kept.get(answer.missed));
    });
    worker.on('error', () => this.#fail());
    worker.on('exit', () => this.#fail());
    worker.unref(); // last: who listens holds the process
  }

  /** @throws where the recipe cannot be cloned */
  keep(store: ObjectStore, recipe: StoreRecipe, lease: HeldLease, beatMs: number, takeOver: () => Beats): Beats {
    clearTimeout(this.#lingering);
    const id = ++this.#lastId;
    const startMs = performance.now();
    const stopRefreshing = this.#supply(id, store, recipe);
    this.#tell({ kind: 'start', id, lease, beatMs });
    const kept: Kept = { takeOver };
    this.#kept.set(id, kept);
    return {
      stop: async () => {
        stopRefreshing();
        await this.#stop(id, kept, performance.now() - startMs < beatMs);
      },
    };
  }

  /** Gives the thread what it makes its store of, and again before that expires. */
  #supply(id: number, store: ObjectStore, first: StoreRecipe): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const supply = (recipe: StoreRecipe): void => {
      this.#tell({ kind: 'recipe', id, recipe });
      if (recipe.validMs !== undefined) refreshIn(recipe.validMs / 2);
    };
    const refreshIn = (ms: number): void => {
      timer = setTimeout(() => void refresh(), Math.min(ms, 2 ** 30));
      timer.unref?.();
    };
    const refresh = async (): Promise<void> => {
      const recipe = await recipeOf(store);
      if (timer === undefined) return;
      if (recipe === undefined) refreshIn(RETRY_MS);
      else supply(recipe);
    };
    supply(first);
    return () => {
      clearTimeout(timer);
      timer = undefined;
    };
  }

  async #stop(id: number, kept: Kept, isSilent: boolean): Promise<void> {
    kept.isEnding = true;
    if (this.#kept.has(id)) {
      // Before the first beat is due there is none to wait for, and the thread may still be starting.
      await this.#stopThere(id, isSilent ? undefined : kept);
      this.#kept.delete(id);
      this.endIfIdle();
    }
    await kept.beats?.stop();
  }

  async #stopThere(id: number, kept: Kept | undefined): Promise<void> {
    if (kept === undefined) return this.#tell({ kind: 'stop', id });
    // An answer must come though nothing else keeps the process alive.
    this.#waiting++;
    this.#worker.ref();
    await new Promise<void>((resolve) => {
      kept.stopped = resolve;
      this.#tell({ kind: 'stop', id });
    });
    if (--this.#waiting === 0) this.#worker.unref();
  }

  endIfIdle(): void {
    if (this.#kept.size > 0) return;
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      if (thread === this) thread = undefined;
      void this.#worker.terminate();
    }, LINGER_MS);
    this.#lingering.unref?.();
  }

  /** The thread is no more: its leases are kept alive from here. */
  #fail(): void {
    if (thread === this) thread = undefined;
    for (const [id, kept] of this.#kept) {
      this.#kept.delete(id);
      this.#takeOver(kept);
      kept.stopped?.();
    }
  }

  #takeOver(kept: Kept | undefined): void {
    if (kept !== undefined && !kept.isEnding) kept.beats ??= kept.takeOver();
  }

  #tell(request: BeatRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    this.#worker.postMessage(request);
  }
}
