import { invalidArgument } from './errors.js';

/** Handlers of these are never called. */
const UNSTOPPABLE: readonly unknown[] = ['SIGKILL', 'SIGSTOP'];

/** @throws DataRefError INVALID_ARGUMENT for what is no signal of this system, or one that no process can handle */
export function checkSignals(what: string, signals: unknown): asserts signals is readonly NodeJS.Signals[] {
  if (!Array.isArray(signals)) throw invalidArgument(`${what}: signals must be a list, such as ["SIGTERM"]`);
  if (signals.length === 0) return;
  const known: readonly unknown[] = Object.keys(process.getBuiltinModule('node:os').constants.signals);
  const wrong: unknown = signals.find((name) => !known.includes(name) || UNSTOPPABLE.includes(name));
  if (wrong === undefined) return;
  const problem = UNSTOPPABLE.includes(wrong) ? ', which ends a process at once' : '';
  throw invalidArgument(
    `${what}: signals are names such as "SIGTERM" and "SIGINT", got ${JSON.stringify(wrong)}${problem}`,
  );
}

/** Hears signals while something works: the first asks it to stop, a second one ends the process as if nobody listened. */
export class SignalListener {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #isAtWork: () => boolean;
  #asked: NodeJS.Signals | undefined;
  #listening = false;
  #stopping = new AbortController();

  /** @param isAtWork where it says no, a signal ends the process */
  constructor(signals: readonly NodeJS.Signals[], isAtWork: () => boolean = () => true) {
    this.#signals = signals;
    this.#isAtWork = isAtWork;
  }

  /** The signal that asked to stop. */
  get asked(): NodeJS.Signals | undefined {
    return this.#asked;
  }

  /** Aborted by the signal that asked to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  start(): void {
    this.stop();
    this.#asked = undefined;
    this.#stopping = new AbortController();
    for (const signal of this.#signals) process.on(signal, this.#handle);
    this.#listening = true;
  }

  stop(): void {
    if (!this.#listening) return;
    for (const signal of this.#signals) process.off(signal, this.#handle);
    this.#listening = false;
  }

  readonly #handle = (signal: NodeJS.Signals): void => {
    if (this.#asked === undefined && this.#isAtWork()) {
      this.#asked = signal;
      this.#stopping.abort();
    } else {
      this.stop();
      process.kill(process.pid, signal);
    }
  };
}
