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

  /** @param step of the job, that training goes on with */
  constructor(size: number, step: number) {
    this.#size = size;
    this.#step = step;
    console.log(
      `${size} ${size === 1 ? 'rank' : 'ranks'}, ${step === 0 ? 'from the beginning' : `resumed after step ${step}`}`,
    );
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
