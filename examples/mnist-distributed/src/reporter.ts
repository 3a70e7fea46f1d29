import type { DataParallelStep } from '@dataref/horovod-shard/tfjs';

/** Steps from one line to the next. */
export const EVERY = 20;

/** What rank 0 prints: a line every few steps, with the records that all ranks together read in a second. */
export class Reporter {
  readonly #size: number;
  #step: number;
  #records = 0;
  #sinceMs = performance.now();
  #stopped = false;

  /**
   * @param pids of the ranks
   * @param step of the job, that training goes on with
   */
  constructor(pids: ArrayLike<number>, step: number) {
    this.#size = pids.length;
    this.#step = step;
    const ranks = `${pids.length} ${pids.length === 1 ? 'rank' : 'ranks'} (pid ${Array.from(pids).join(', ')})`;
    console.log(`${ranks}, ${step === 0 ? 'from the beginning' : `resumed after step ${step}`}`);
  }

  made({ loss, globalLength, stop }: DataParallelStep, epoch: number): void {
    this.#records += globalLength;
    this.#stopped = stop;
    if (++this.#step % EVERY !== 0) return;
    const perSecond = (this.#records / (performance.now() - this.#sinceMs)) * 1000;
    console.log(
      `step ${this.#step} · epoch ${epoch + 1} · loss ${loss.toFixed(4)} · ${Math.round(perSecond)} records/s by ${this.#size}`,
    );
    this.#records = 0;
    this.#sinceMs = performance.now();
  }

  ended(): void {
    console.log(`${this.#stopped ? 'asked to stop: all ranks stopped' : 'trained'} after step ${this.#step}`);
  }
}
