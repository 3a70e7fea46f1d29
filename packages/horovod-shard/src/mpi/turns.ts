import { DataRefError } from '@dataref/core';
import { Agreement } from './agreement.js';
import type { Call } from './functions.js';
import type { MpiLibrary } from './library.js';
import type { Operation } from './operations.js';
import { carryOut, type Turn } from './turn.js';
import { WaitingThread } from './waiting-thread.js';

/** What moves in about the time that a thread takes to be woken and to wake this one. */
const SMALL_BYTES = 2 ** 20;
/** Ranks in step come within so much of each other. */
const IN_STEP_MS = 0.1;

/** A call of this rank. */
export interface Asked<T> {
  /** It and its sizes, the same on all ranks. */
  readonly what: string;
  /** What it moves to or from a rank. */
  readonly byteLength: number;
  readonly operation: Operation<T>;
}

/** Makes the calls of a rank one after the other, each when all ranks have come to it. */
export class Turns {
  readonly #run: (call: Call) => void;
  readonly #agreement: Agreement;
  readonly #thread: WaitingThread;
  /** Calls that were made and are not done. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #failure: DataRefError | undefined;
  #isBroken = false;

  constructor(mpi: MpiLibrary, size: number) {
    this.#run = (call) => mpi.run(call);
    this.#agreement = new Agreement(mpi, size);
    this.#thread = new WaitingThread(mpi);
  }

  /** How many calls were made and are not done. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether MPI itself has failed: what it does next is unknown. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** When what was called before is done, and without waiting for others in this thread. */
  async take<T>(asked: Asked<T>): Promise<T> {
    this.#waiting++;
    const done = this.#last.then(() => this.#takeApart(asked));
    this.#last = done.catch(() => undefined);
    return done.finally(() => this.#waiting--);
  }

  /** Waits for the others in this thread. @param name of the function that was called */
  takeNow<T>(name: string, asked: Asked<T>): T {
    if (this.#waiting > 0)
      throw new DataRefError(
        'INVALID_ARGUMENT',
        `${name}: ${this.#waiting} calls of this rank are under way, and it would come before them: await them first`,
      );
    const turn = this.#begin(asked);
    let isUnanimous: boolean;
    try {
      this.#run(turn.wait);
      isUnanimous = carryOut(turn, this.#run);
    } catch (error) {
      return this.#break(asked, error as DataRefError);
    }
    return this.#end(asked, isUnanimous);
  }

  /** When no turn is taken any more. */
  end(): void {
    this.#thread.end();
  }

  /**
   * A small call to which all have come is made here. It does not wait for what another rank's program does meanwhile: from
   * there on the others need their programs as little, since the thread carries out whole turns.
   */
  async #takeApart<T>(asked: Asked<T>): Promise<T> {
    const turn = this.#begin(asked);
    let isUnanimous: boolean;
    try {
      const isHere = asked.byteLength <= SMALL_BYTES && this.#agreement.isReached(IN_STEP_MS);
      isUnanimous = isHere ? carryOut(turn, this.#run) : await this.#thread.carryOut(turn);
    } catch (error) {
      return this.#break(asked, error as DataRefError);
    }
    return this.#end(asked, isUnanimous);
  }

  /** @throws DataRefError what came of an earlier call, too */
  #begin<T>({ what, operation }: Asked<T>): Turn {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#agreement.begin(what, operation.next().value as readonly Call[]);
    } catch (error) {
      this.#failure = error as DataRefError;
      throw error;
    }
  }

  #end<T>(asked: Asked<T>, isUnanimous: boolean): T {
    return isUnanimous ? (asked.operation.next().value as T) : this.#fail(asked, this.#agreement.difference());
  }

  #break<T>(asked: Asked<T>, error: DataRefError): never {
    this.#isBroken = true;
    return this.#fail(asked, error);
  }

  #fail<T>({ operation }: Asked<T>, error: DataRefError): never {
    this.#failure = error;
    operation.throw(error);
    throw error;
  }
}
