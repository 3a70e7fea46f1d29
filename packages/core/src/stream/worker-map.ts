import { DataRefError, isDataRefError } from '../errors.js';
import type { Outcome } from './map-runner.js';
import type { WorkerSpec } from './recipe.js';
import type { Origin, Traced } from './stage.js';
import { copied } from './transfer.js';
import { detailsOf, nameOrigin, userFailure } from './user-function.js';
import { notLoaded } from './user-module.js';
import { holdPool, type WorkerPool } from './worker-pool.js';

/** How often a record may end its worker before it is taken for the reason. */
const MAX_DEATHS = 2;

/** What a worker is asked to map. */
export interface WorkerTask {
  readonly module: string;
  readonly step: number;
  readonly records: readonly Traced[];
}

/** What it answers, one for each record; a failure as text, since errors of all kinds do not cross threads. */
export type WorkerResult =
  { readonly value: unknown } | { readonly failure: string; readonly stack: string | undefined };

export type WorkerAnswer = { readonly results: readonly WorkerResult[] } | { readonly loadFailure: string };

/** A module's default export run on records in worker threads, which one pass holds. */
export class WorkerMap {
  readonly #module: string;
  readonly #batchSize: number;
  readonly #pool: WorkerPool;

  constructor({ module, workers, batchSize }: WorkerSpec) {
    this.#module = module;
    this.#batchSize = batchSize;
    this.#pool = holdPool(module, workers);
  }

  /**
   * One outcome a record, in order, up to the first that cannot be sent. A worker that dies is replaced, and its work
   * repeated.
   */
  async run(elements: readonly Traced[], step: number, signal: AbortSignal): Promise<Outcome[]> {
    const chunks: Promise<Outcome[]>[] = [];
    for (let i = 0; i < elements.length; i += this.#batchSize)
      chunks.push(this.#runChunk(elements.slice(i, i + this.#batchSize), step, signal));
    const settled = await Promise.allSettled(chunks);
    signal.throwIfAborted();
    return settled.flatMap((chunk): Outcome[] =>
      chunk.status === 'fulfilled' ? chunk.value : [{ error: chunk.reason as unknown }],
    );
  }

  /** Gives the threads back, which end where nobody else uses them. */
  close(): Promise<void> {
    return this.#pool.release();
  }

  async #runChunk(elements: readonly Traced[], step: number, signal: AbortSignal): Promise<Outcome[]> {
    for (let deaths = 0; ;) {
      try {
        return await this.#ask(elements, step, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (isDataRefError(error)) throw error;
        // The user's own failures come as results: what rejects is a thread that ended.
        deaths++;
        if (deaths < MAX_DEATHS) continue;
        const [first] = elements as readonly [Traced];
        if (elements.length === 1) return [{ error: died(first.origin, error) }];
        // One of them ends its worker: alone, it is found.
        const outcomes: Outcome[] = [];
        for (const element of elements) outcomes.push(...(await this.#runChunk([element], step, signal)));
        return outcomes;
      }
    }
  }

  async #ask(elements: readonly Traced[], step: number, signal: AbortSignal): Promise<Outcome[]> {
    // Copies are moved: the records are kept, for the case that the thread dies, and others may hold the same arrays.
    const transferList: ArrayBuffer[] = [];
    const records: Traced[] = [];
    const refused: Outcome[] = [];
    for (const { value, origin } of elements) {
      try {
        records.push({ value: copied(value, transferList), origin });
      } catch (error) {
        refused.push({ error: notSent(origin, error) });
        break;
      }
    }
    if (records.length === 0) return refused;
    const task: WorkerTask = { module: this.#module, step, records };
    const answer = (await this.#pool.run(task, transferList, signal)) as WorkerAnswer;
    if ('loadFailure' in answer) throw notLoaded(this.#module, answer.loadFailure);
    const outcomes = answer.results.map((result, i): Outcome => {
      if ('value' in result) return result;
      const cause = Object.assign(new Error(result.failure), { stack: result.stack });
      return { error: userFailure('map', (elements[i] as Traced).origin, cause) };
    });
    return [...outcomes, ...refused];
  }
}

function died(origin: Origin, cause: unknown): DataRefError {
  return new DataRefError(
    'WORKER_DIED',
    `map: ${nameOrigin(origin)} ended its worker thread ${MAX_DEATHS} times; look whether the module runs out of memory, or fails outside of its promise`,
    { cause, details: detailsOf(origin) },
  );
}

function notSent(origin: Origin, cause: unknown): DataRefError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new DataRefError('INVALID_ARGUMENT', `map: ${nameOrigin(origin)} cannot go to a worker: ${problem}`, {
    cause,
    details: detailsOf(origin),
  });
}
