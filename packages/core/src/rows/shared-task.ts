import { orAbort } from '../or-abort.js';

/** Something done once for all who wait for it, and given up when the last of them has gone. */
export class SharedTask<T> {
  readonly result: Promise<T>;
  readonly #stop = new AbortController();
  #waiting = 0;

  constructor(task: (signal: AbortSignal) => Promise<T>) {
    this.result = task(this.#stop.signal);
  }

  /** Given up: who comes now begins anew. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async join(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting++;
    try {
      return await orAbort(this.result, signal);
    } finally {
      if (--this.#waiting === 0) this.#stop.abort();
    }
  }
}
