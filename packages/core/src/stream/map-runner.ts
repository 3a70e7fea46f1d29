import { isDataRefError } from '../errors.js';
import { isThenable, orAbort } from '../or-abort.js';
import { declaredCheck } from './mapped-columns.js';
import type { RecordMap, WorkerSpec } from './recipe.js';
import type { Origin, Traced } from './stage.js';
import { callUser, userFailure, type UserFunction } from './user-function.js';
import { importFunction, notLoaded } from './user-module.js';
import { WorkerMap } from './worker-map.js';

/** What maps made of a record: a value, nothing (it was left out), or a failure. */
export type Outcome =
  { readonly value: unknown } | { readonly skippedBy: RecordMap['skips'] } | { readonly error: unknown };

/** Blocks under way at once, so that no worker is idle while results are handed out. */
export const BLOCKS_AT_ONCE = 2;

/** Runs a pipeline's maps on records: functions one record after another, modules in worker threads, order kept. */
export class MapRunner {
  /** Whether a map runs in threads: then records are best mapped in blocks. */
  readonly hasWorkers: boolean;
  readonly #maps: readonly RecordMap[];
  readonly #functions: number;
  /** Maps that run in threads, which this pass holds from their first record on. */
  readonly #workers = new Map<RecordMap, WorkerMap>();
  readonly #modules = new Map<string, Promise<UserFunction['fn']>>();
  /** Of the maps with a declared schema. */
  readonly #checks: readonly (ReturnType<typeof declaredCheck> | undefined)[];

  /**
   * @param functions user functions before the maps: each has random numbers of its own
   * @param checked maps whose declared schema is checked here, from the first on; those after them are where they become columns
   */
  constructor(maps: readonly RecordMap[], functions: number, checked = maps.length) {
    this.#checks = maps.slice(0, checked).map(({ schema }) => schema && declaredCheck(schema));
    this.#maps = maps;
    this.#functions = functions;
    this.hasWorkers = maps.some(({ workers }) => workers !== undefined);
  }

  /** Records that are best mapped in one call. */
  get blockSize(): number {
    return Math.max(
      ...this.#maps.map(({ workers }) => (workers === undefined ? 1 : workers.workers * workers.batchSize)),
    );
  }

  /** Records that are best under way at once, in several calls; 0 where no worker is kept busy so. */
  get recordsAtOnce(): number {
    return this.hasWorkers ? BLOCKS_AT_ONCE * this.blockSize : 0;
  }

  /** One outcome a record, in order, up to the first failure. */
  async run(records: readonly Traced[], signal: AbortSignal): Promise<Outcome[]> {
    let outcomes: Outcome[] = records.map(({ value }) => ({ value }));
    for (const [i, map] of this.#maps.entries()) {
      const rows = [...outcomes.keys()].filter((row) => 'value' in (outcomes[row] as Outcome));
      const live = rows.map((row): Traced => {
        const { value } = outcomes[row] as { readonly value: unknown };
        return { value, origin: (records[row] as Traced).origin };
      });
      const made = await (map.workers === undefined
        ? this.#runAllHere(live, signal, i)
        : this.#runInThreads(map, live, this.#functions + i, signal));
      for (const [k, outcome] of made.entries()) outcomes[rows[k] as number] = outcome;
      const failed = outcomes.findIndex((outcome) => 'error' in outcome);
      if (failed >= 0) outcomes = outcomes.slice(0, failed + 1);
    }
    return outcomes;
  }

  /** The maps from `first` to before `end` on one record, none of which runs in threads. */
  async runHere(
    { value: given, origin }: Traced,
    signal: AbortSignal,
    first = 0,
    end = this.#maps.length,
  ): Promise<Outcome> {
    let value = given;
    for (let i = first; i < end; i++) {
      const map = this.#maps[i] as RecordMap;
      const fn = typeof map.fn === 'string' ? await this.#load(map.fn) : map.fn;
      try {
        value = await callUser({ what: 'map', fn, step: this.#functions + i }, value, origin, signal);
      } catch (error) {
        const outcome = await settled(map, error, origin, signal);
        if (!('value' in outcome)) return outcome;
        ({ value } = outcome);
      }
      const failed = this.#refused(i, value, origin);
      if (failed !== undefined) return failed;
    }
    return { value };
  }

  /** Gives the worker threads back, which end where nobody else uses them. */
  async close(): Promise<void> {
    const held = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(held.map((workers) => workers.close()));
  }

  /** A module's function in this thread. @throws DataRefError INVALID_ARGUMENT */
  #load(module: string): Promise<UserFunction['fn']> {
    const loading =
      this.#modules.get(module) ??
      importFunction(module).catch((error: unknown) => {
        throw notLoaded(module, error instanceof Error ? error.message : String(error));
      });
    this.#modules.set(module, loading);
    return loading;
  }

  /** The failure of a map that did not give what was declared for it. */
  #refused(map: number, value: unknown, origin: Origin): Outcome | undefined {
    const check = this.#checks[map];
    if (check === undefined) return undefined;
    try {
      check(value, origin);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  async #runAllHere(records: readonly Traced[], signal: AbortSignal, map: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const record of records) {
      const outcome = await this.runHere(record, signal, map, map + 1);
      outcomes.push(outcome);
      if ('error' in outcome) break;
    }
    return outcomes;
  }

  async #runInThreads(
    map: RecordMap,
    records: readonly Traced[],
    step: number,
    signal: AbortSignal,
  ): Promise<Outcome[]> {
    signal.throwIfAborted(); // or threads would be held after the pass has given them back
    const held = this.#workers.get(map) ?? new WorkerMap(map.workers as WorkerSpec);
    this.#workers.set(map, held);
    const outcomes: Outcome[] = [];
    for (const [i, outcome] of (await held.run(records, step, signal)).entries()) {
      const { origin } = records[i] as Traced;
      const made: Outcome = 'error' in outcome ? await settled(map, outcome.error, origin, signal) : outcome;
      const failed = 'value' in made ? this.#refused(step - this.#functions, made.value, origin) : undefined;
      outcomes.push(failed ?? made);
    }
    return outcomes;
  }
}

/** What `onError` makes of a failure. Only the user's own failures are asked about. */
async function settled(
  { onError, skips }: RecordMap,
  failure: unknown,
  origin: Origin,
  signal: AbortSignal,
): Promise<Outcome> {
  if (onError === 'throw' || !isDataRefError(failure, 'MAP_FAILED')) return { error: failure };
  try {
    let value: unknown = onError === 'skip' ? undefined : onError(failure);
    if (isThenable(value)) value = await orAbort(value, signal);
    if (value !== undefined) return { value };
  } catch (error) {
    // Thrown again, the failure says all.
    return { error: signal.aborted || error === failure ? error : userFailure('onError of map', origin, error) };
  }
  return { skippedBy: skips };
}
