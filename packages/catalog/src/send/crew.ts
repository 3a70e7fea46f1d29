import { orAbort } from '@dataref/core/adapter';
import type { Hardware, Workforce, WorkforceOptions } from './hardware.js';

/** The workers of a send: started for the first that needs them, ended with the last. */
export class Crew {
  readonly hardware: Hardware;
  readonly #options: WorkforceOptions;
  #workforce: Promise<Workforce> | undefined;
  #users = 0;

  constructor(hardware: Hardware, options: WorkforceOptions) {
    this.hardware = hardware;
    this.#options = options;
  }

  async during<T>(signal: AbortSignal | undefined, work: (workforce: Workforce) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const opening = (this.#workforce ??= this.hardware.open(this.#options));
    this.#users++;
    try {
      return await work(await orAbort(opening, signal));
    } finally {
      this.#users--;
      if (this.#users === 0) {
        this.#workforce = undefined;
        const closing = opening.then((workforce) => workforce.close());
        // Who aborts does not wait for what is being opened; a failure to open is told above.
        if (signal?.aborted === true) closing.catch(() => undefined);
        else await closing.catch(() => undefined);
      }
    }
  }
}
