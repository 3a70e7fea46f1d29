import { Worker } from 'node:worker_threads';
import { threadOptions } from '@dataref/core/adapter';
import { failed } from '../collective/checks.js';
import type { Call, HandleType } from './functions.js';
import type { MpiLibrary } from './library.js';
import type { Comparison } from './turn.js';

/** Where words lie in this process. */
export interface SentWords {
  readonly at: bigint;
  readonly byteLength: number;
}

/** As another thread is told of it. */
type Sent<T> = T extends Int32Array
  ? SentWords
  : T extends Call
    ? Call
    : T extends readonly (infer E)[]
      ? readonly Sent<E>[]
      : { readonly [K in keyof T]: Sent<T[K]> };

/** What is left of a turn. */
export interface Turn {
  /** How many rounds this rank has been through. */
  readonly round: number;
  readonly calls: readonly Call[];
}

/** What the thread is started with. */
export interface ThreadStart {
  readonly library: string;
  readonly handleType: HandleType;
  readonly comparison: Sent<Comparison>;
}

/** Whether all ranks called the same, or which call gave another code than 0. */
export type Answer = { readonly isUnanimous: boolean } | { readonly name: string; readonly code: number };

interface Pending {
  /** Held, with the arrays that the thread knows by their addresses alone. */
  readonly calls: readonly Call[];
  readonly resolve: (isUnanimous: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread that carries out whole turns, so that this one need not wait, nor what comes after the wait for this one. It is
 * started by its first turn, and keeps the process alive during turns alone.
 */
export class WaitingThread {
  readonly #mpi: MpiLibrary;
  readonly #comparison: Comparison;
  #worker: Worker | undefined;
  #pending: Pending | undefined;

  constructor(mpi: MpiLibrary, comparison: Comparison) {
    this.#mpi = mpi;
    this.#comparison = comparison;
  }

  /** One at a time. @returns whether all ranks called the same @throws DataRefError COLLECTIVE_FAILED */
  carryOut({ round, calls }: Turn): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const worker = (this.#worker ??= this.#start());
      this.#pending = { calls, resolve, reject };
      worker.ref();
      worker.postMessage({ round, calls: calls.map(this.#sent) } satisfies Turn, []);
    });
  }

  /** Ends the thread, which has no turn. */
  end(): void {
    void this.#worker?.terminate();
  }

  #start(): Worker {
    const { name: library, handleType } = this.#mpi;
    const { told, least, rounds, gather } = this.#comparison;
    const comparison = {
      told: this.#sentWords(told),
      least: this.#sentWords(least),
      rounds: rounds.map(({ begin, wait, heard }) => ({ begin, wait, heard: this.#sentWords(heard) })),
      gather,
    };
    return new Worker(new URL('./waiting-program.js', import.meta.url), {
      workerData: { library, handleType, comparison } satisfies ThreadStart,
      ...threadOptions(),
    })
      .on('message', (answer: Answer) => this.#settle(({ resolve }) => resolve(this.#read(answer))))
      .on('error', (cause) =>
        this.#settle(({ reject }) => reject(failed('the thread that waits for other ranks has failed', cause))),
      );
  }

  #read(answer: Answer): boolean {
    if ('code' in answer) this.#mpi.check(answer.name, answer.code);
    return 'isUnanimous' in answer && answer.isUnanimous;
  }

  #settle(settle: (pending: Pending) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#worker?.unref();
    if (pending === undefined) return;
    try {
      settle(pending);
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  #sentWords(words: Int32Array): SentWords {
    return { at: this.#mpi.addressOf(words), byteLength: words.byteLength };
  }

  readonly #sent = ({ name, values }: Call): Call => ({
    name,
    values: values.map((value) => (ArrayBuffer.isView(value) ? this.#mpi.addressOf(value) : value)),
  });
}
