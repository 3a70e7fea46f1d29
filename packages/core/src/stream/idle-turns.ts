import { inNextTurn } from '../next-turn.js';

/** Turns without an output after which timers, signals and other work have theirs. */
const MAX_IDLE_TURNS = 2048;

/** Counts turns of a loop that may go on for long without an output, so that it never blocks whatever would end it. */
export class IdleTurns {
  readonly #signal: AbortSignal;
  #turns = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** To be awaited where it gives a promise. @throws the signal's reason once it is aborted */
  next(): Promise<void> | undefined {
    if (++this.#turns % MAX_IDLE_TURNS !== 0) return undefined;
    return new Promise<void>((resolve) => inNextTurn(resolve)).then(() => this.#signal.throwIfAborted());
  }
}
