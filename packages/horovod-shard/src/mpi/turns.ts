import { DataRefError } from '@dataref/core';
import { Agreement, type Named } from './agreement.js';
import type { Call } from './functions.js';
import type { MpiLibrary } from './library.js';
import type { Operation } from './operations.js';
import { carryOut } from './turn.js';
import { WaitingThread } from './waiting-thread.js';

/** What moves in about the time that a thread takes to be woken and to wake this one. */
const SMALL_BYTES = 2 ** 20;
/** Ranks in step come within so much of each other. */
const IN_STEP_MS = 0.1;

/** A call of this rank. */
export interface Asked<T> {
  readonly named: Named;
  /** What it moves to or from a rank. */
  readonly byteLength: number;
  readonly operation: Operation<T>;
}

/** Makes the calls of a rank one after the other, each when all ranks have come to it. */
export class Turns {
  readonly #run: (call: Call) => void;
  readonly #agreement: Agreement;
  readonly #thread: WaitingThread;
  /** Calls that were made and that nobody can have awaited yet. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #failure: DataRefError | undefined;
  #isBroken = false;

  readonly #awaited = (): void => void this.#waiting--;

  constructor(mpi: MpiLibrary, place: { readonly rank: number; readonly size: number }) {
    this.#run = (call) => mpi.run(call);
    this.#agreement = new Agreement(mpi, place);
    this.#thread = new WaitingThread(mpi, this.#agreement.comparison);
  }

  /** How many calls were made and are not done. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether MPI itself has failed: what it does next is unknown. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** When what was called before is done, and without waiting for others in this thread; at once where all have come. */
  take<T>(asked: Asked<T>): T | Promise<T> {
    const result = this.#waiting > 0 ? this.#last.then(() => this.#takeApart(asked)) : this.#takeApart(asked);
    this.#waiting++;
    // Whoever has not awaited a call cannot know that it is done.
    this.#last = Promise.resolve(result).then(this.#awaited, this.#awaited);
    return result;
  }

  /** Waits for the others in this thread. @param name of the function that was called */
  takeNow<T>(name: string, asked: Asked<T>): T {
    if (this.#waiting > 0)
      throw new DataRefError(
        'INVALID_ARGUMENT',
        `${name}: ${this.#waiting} calls of this rank are under way, and it would come before them: await them first`,
      );
    const calls = this.#begin(asked);
    let isUnanimous: boolean;
    try {
      isUnanimous = this.#carryOut(calls);
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
  #takeApart<T>(asked: Asked<T>): T | Promise<T> {
    const calls = this.#begin(asked);
    let isUnanimous: boolean | undefined;
    try {
      if (asked.byteLength <= SMALL_BYTES && this.#agreement.isReached(IN_STEP_MS)) isUnanimous = this.#carryOut(calls);
    } catch (error) {
      return this.#break(asked, error as DataRefError);
    }
    if (isUnanimous !== undefined) return this.#end(asked, isUnanimous);
    return this.#thread.carryOut({ round: this.#agreement.round, calls }).then(
      (answer) => this.#end(asked, answer),
      (error: DataRefError) => this.#break(asked, error),
    );
  }

  #carryOut(calls: readonly Call[]): boolean {
    return carryOut(this.#agreement.comparison, this.#agreement.round, calls, this.#run);
  }

  /** @throws DataRefError what came of an earlier call, too */
  #begin<T>({ named, operation }: Asked<T>): readonly Call[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const calls = operation.next().value as readonly Call[];
      this.#agreement.begin(named);
      return calls;
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
