import { isDataRefError } from '../errors.js';
import type { RecordMap } from './recipe.js';
import type { Element } from './stage.js';
import { callUser } from './user-function.js';
import type { WorkerMap } from './worker-map.js';
import type { WorkerPool } from './worker-pool.js';

/** What maps made of an element: a value, nothing (it was left out), or a failure. */
export type Outcome = { readonly value: unknown } | { readonly isSkipped: true } | { readonly error: unknown };

/** Elements mapped together where no map runs in workers. */
const ONE = 1;
/** Tasks of each worker under way or waiting, so that none is idle while results are handed out. */
const TASKS_PER_WORKER = 2;

/** Runs a pipeline's maps on elements: functions one record after another, modules in worker threads, order kept. */
export class MapRunner {
  readonly #maps: readonly RecordMap[];
  readonly #functions: number;
  /** Threads that this pass holds, map by map, from its first record on. */
  readonly #pools = new Map<WorkerMap, WorkerPool>();

  /** @param functions user functions before the maps: each has random numbers of its own */
  constructor(maps: readonly RecordMap[], functions: number) {
    this.#maps = maps;
    this.#functions = functions;
  }

  /** Elements that are best mapped in one call. */
  get blockSize(): number {
    return Math.max(
      ONE,
      ...this.#maps.map(({ workers }) => (workers === undefined ? ONE : workers.workers * workers.batchSize)),
    );
  }

  /** Calls of `run` that are best under way at once. */
  get depth(): number {
    return this.#maps.some(({ workers }) => workers !== undefined) ? TASKS_PER_WORKER : 1;
  }

  /** One outcome an element, in order, up to the first failure. */
  async run(elements: readonly Element[], signal: AbortSignal): Promise<Outcome[]> {
    let outcomes: Outcome[] = elements.map(({ value }) => ({ value }));
    for (const [i, map] of this.#maps.entries()) {
      const live = outcomes.flatMap((outcome, row) =>
        'value' in outcome ? [{ row, element: { ...(elements[row] as Element), value: outcome.value } }] : [],
      );
      const step = this.#functions + i;
      const made = await this.#runOne(map, live.map(({ element }) => element), step, signal); // prettier-ignore
      outcomes = [...outcomes];
      for (const [k, outcome] of made.entries())
        outcomes[(live[k] as { row: number }).row] = await settle(map, outcome);
      const failed = outcomes.findIndex((outcome) => 'error' in outcome);
      if (failed >= 0) outcomes = outcomes.slice(0, failed + 1);
    }
    return outcomes;
  }

  /** Gives the worker threads back, which end where nobody else uses them. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.release()));
  }

  async #runOne(
    { workers, fn, onError }: RecordMap,
    elements: readonly Element[],
    step: number,
    signal: AbortSignal,
  ): Promise<Outcome[]> {
    signal.throwIfAborted(); // or threads would be held after the pass has given them back
    if (workers !== undefined) {
      const pool = this.#pools.get(workers) ?? workers.hold();
      this.#pools.set(workers, pool);
      return workers.run(pool, elements, step, signal);
    }
    const outcomes: Outcome[] = [];
    for (const { value, origin } of elements) {
      try {
        outcomes.push({ value: await callUser({ what: 'map', fn, step }, value, origin, signal) });
      } catch (error) {
        outcomes.push({ error });
        if (onError === 'throw') break;
      }
    }
    return outcomes;
  }
}

/** What `onError` makes of a failure. Only the user's own failures are asked about. */
async function settle({ onError, skips }: RecordMap, outcome: Outcome): Promise<Outcome> {
  if (!('error' in outcome) || onError === 'throw' || !isDataRefError(outcome.error, 'MAP_FAILED')) return outcome;
  try {
    const value: unknown = onError === 'skip' ? undefined : await onError(outcome.error);
    if (value !== undefined) return { value };
  } catch (error) {
    return { error };
  }
  skips.count++;
  return { isSkipped: true };
}
