import { IdleTurns } from './idle-turns.js';
import { BLOCKS_AT_ONCE, MapRunner, type Outcome } from './map-runner.js';
import type { RecordMap } from './recipe.js';
import type { Traced } from './stage.js';
import { WorkQueue } from './work-queue.js';

interface Block<E> {
  readonly records: readonly E[];
  readonly outcomes: readonly Outcome[];
}

/** Runs maps on records as they are asked for, some ahead where there are workers. Those that `onError` leaves out are not given. */
export class Mapping<E extends Traced> {
  readonly #runner: MapRunner;
  readonly #pull: () => Promise<E | undefined>;
  readonly #signal: AbortSignal;
  readonly #idle: IdleTurns;
  readonly #blocks: WorkQueue<E, Block<E>> | undefined;
  #block: Block<E> = { records: [], outcomes: [] };
  #row = 0;

  /** @param functions user functions before the maps */
  constructor(maps: readonly RecordMap[], functions: number, pull: () => Promise<E | undefined>, signal: AbortSignal) {
    const runner = new MapRunner(maps, functions);
    this.#runner = runner;
    this.#pull = pull;
    this.#signal = signal;
    this.#idle = new IdleTurns(signal);
    if (!runner.hasWorkers) return;
    this.#blocks = new WorkQueue(
      () => BLOCKS_AT_ONCE,
      runner.blockSize,
      pull,
      async (records) => ({
        records,
        outcomes: await runner.run(records, signal),
      }),
    );
  }

  /** The next record with what the maps made of it; undefined at the end. @throws DataRefError MAP_FAILED, WORKER_DIED */
  async next(): Promise<E | undefined> {
    for (;;) {
      let record: E;
      let outcome: Outcome;
      if (this.#blocks === undefined) {
        const pulled = await this.#pull();
        if (pulled === undefined) return undefined;
        record = pulled;
        outcome = await this.#runner.runHere(record, this.#signal);
      } else {
        if (this.#row >= this.#block.outcomes.length) {
          const block = await this.#blocks.next();
          if (block === undefined) return undefined;
          this.#block = block;
          this.#row = 0;
        }
        record = this.#block.records[this.#row] as E;
        outcome = this.#block.outcomes[this.#row++] as Outcome;
      }
      if ('error' in outcome) throw outcome.error;
      if ('value' in outcome) return { ...record, value: outcome.value };
      outcome.skippedBy.count++; // now that its turn has come
      await this.#idle.next();
    }
  }

  /** Waits for what is under way, and gives the threads back. What it pulls from has been ended. */
  async close(): Promise<void> {
    await this.#blocks?.settle();
    await this.#runner.close();
  }
}
