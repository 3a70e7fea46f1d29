import { DataRefError } from '@dataref/core';
import { checkReducible, checkRoot, checkSendable, failed, kindOf } from '../collective/checks.js';
import type { Collective, Reducible, Reduction, Sendable } from '../collective/types.js';
import { Agreement } from './agreement.js';
import type { Call, MpiLibrary } from './library.js';
import { allgather, allreduce, broadcast, type Operation } from './operations.js';

/**
 * A rank of a job of MPI. Sums and means are made in the dtype's own precision, in an order that MPI chooses; least and
 * greatest are those of Math.min and Math.max.
 *
 * The forms with `Sync` do the same and hold up the thread until all ranks have come: no signal is handled, no other
 * promise settles. They are refused (INVALID_ARGUMENT) while a call of this rank is under way.
 */
export interface MpiCollective extends Collective {
  /** What the library says that it is, as `Open MPI v4.1.4, …`. */
  readonly library: string;
  /** @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT */
  allreduceSync<T extends Reducible>(values: T, reduction?: Reduction): T;
  /** @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT */
  broadcastSync<T extends Sendable>(values: T, root?: number): T;
  /** @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT */
  allgatherSync<T extends Sendable>(values: T): T;
  /** @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT */
  barrierSync(): void;
}

export class MpiRank implements MpiCollective {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: MpiLibrary;
  readonly #agreement: Agreement;
  /** Calls that were made and are not done. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #failure: DataRefError | undefined;
  /** Whether MPI itself has failed: what it does next is unknown. */
  #isBroken = false;
  #isClosed = false;
  #isFinal = false;

  constructor(mpi: MpiLibrary, { rank, size }: { readonly rank: number; readonly size: number }) {
    this.#mpi = mpi;
    this.rank = rank;
    this.size = size;
    this.#agreement = new Agreement(mpi, size);
    process.once('exit', (code) => this.#leaveAtExit(code));
  }

  get library(): string {
    return this.#mpi.version;
  }

  async allreduce<T extends Reducible>(values: T, reduction: Reduction = 'sum'): Promise<T> {
    return this.#later('allreduce', this.#allreduce('allreduce', values, reduction));
  }

  allreduceSync<T extends Reducible>(values: T, reduction: Reduction = 'sum'): T {
    return this.#now('allreduceSync', this.#allreduce('allreduceSync', values, reduction));
  }

  async broadcast<T extends Sendable>(values: T, root = 0): Promise<T> {
    return this.#later('broadcast', this.#broadcast('broadcast', values, root));
  }

  broadcastSync<T extends Sendable>(values: T, root = 0): T {
    return this.#now('broadcastSync', this.#broadcast('broadcastSync', values, root));
  }

  async allgather<T extends Sendable>(values: T): Promise<T> {
    return this.#later('allgather', this.#allgather('allgather', values));
  }

  allgatherSync<T extends Sendable>(values: T): T {
    return this.#now('allgatherSync', this.#allgather('allgatherSync', values));
  }

  async barrier(): Promise<void> {
    return this.#later('barrier', this.#agreement.on('barrier'));
  }

  barrierSync(): void {
    this.#now('barrierSync', this.#agreement.on('barrier'));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const left = this.#later('close', this.#agreement.on('close'));
    this.#isClosed = true;
    // Those that are not leaving are told by their own calls. MPI waits for them when the process ends.
    await left.then(
      () => this.#finalize(),
      () => undefined,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #allreduce<T extends Reducible>(name: string, values: T, reduction: Reduction): Operation<T> {
    checkReducible(name, values, reduction);
    const operation = allreduce(this.#mpi, this.size, values, reduction);
    return this.#agreed(`allreduce (${reduction}) of ${values.length} ${kindOf(values)}`, operation);
  }

  #broadcast<T extends Sendable>(name: string, values: T, root: number): Operation<T> {
    checkSendable(name, values);
    checkRoot(name, root, this.size);
    const operation = broadcast(this.#mpi, values, root);
    return this.#agreed(`broadcast of ${values.length} ${kindOf(values)} from ${root}`, operation);
  }

  #allgather<T extends Sendable>(name: string, values: T): Operation<T> {
    checkSendable(name, values);
    return this.#agreed(`allgather of ${values.length} ${kindOf(values)}`, allgather(this.#mpi, this, values));
  }

  *#agreed<T>(what: string, operation: Operation<T>): Operation<T> {
    yield* this.#agreement.on(what);
    return yield* operation;
  }

  /** In a thread, when what was called before is done. */
  async #later<T>(name: string, operation: Operation<T>): Promise<T> {
    this.#refuseClosed(name);
    this.#waiting++;
    const done = this.#last.then(() => this.#runApart(operation));
    this.#last = done.catch(() => undefined);
    return done.finally(() => this.#waiting--);
  }

  #now<T>(name: string, operation: Operation<T>): T {
    this.#refuseClosed(name);
    if (this.#waiting > 0)
      throw new DataRefError(
        'INVALID_ARGUMENT',
        `${name}: ${this.#waiting} calls of this rank are under way, and it would come before them: await them first`,
      );
    return this.#run(operation);
  }

  // The two ways of making an operation's calls: the same lines, with and without a wait.

  async #runApart<T>(operation: Operation<T>): Promise<T> {
    for (;;) {
      const next = this.#next(operation);
      if (next.done === true) return next.value;
      await this.#mpi.runApart(next.value).catch((error: DataRefError) => this.#break(error));
    }
  }

  #run<T>(operation: Operation<T>): T {
    for (;;) {
      const next = this.#next(operation);
      if (next.done === true) return next.value;
      try {
        this.#mpi.run(next.value);
      } catch (error) {
        this.#break(error as DataRefError);
      }
    }
  }

  #next<T>(operation: Operation<T>): IteratorResult<Call, T> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return operation.next();
    } catch (error) {
      this.#failure = error as DataRefError;
      throw error;
    }
  }

  #break(error: DataRefError): never {
    this.#isBroken = true;
    this.#failure = error;
    throw error;
  }

  #refuseClosed(name: string): void {
    if (this.#isClosed) throw failed(`${name}: this rank has left the job`);
  }

  #finalize(): void {
    if (this.#isFinal) return;
    this.#isFinal = true;
    this.#mpi.run(['Finalize']);
  }

  /**
   * A process that ends well without `close` leaves the job here, and waits for the others as `close` does. One that
   * fails, or ends within a call, takes the whole job with it: the others could only wait for it, and Node itself waits at
   * its end for the thread that makes the call.
   */
  #leaveAtExit(code: number): void {
    if (this.#isFinal) return;
    if (code === 0 && !this.#isBroken && this.#waiting === 0) {
      try {
        if (!this.#isClosed) this.#run(this.#agreement.on('close'));
      } catch {
        // The others are told by their own calls.
      }
      if (!this.#isBroken) return this.#finalize();
    }
    if (code === 0)
      process.stderr.write(
        `openMpi: rank ${this.rank} ended ${this.#isBroken ? 'after MPI had failed' : 'within a call'}: the job is ended\n`,
      );
    this.#mpi.run(['Abort', this.#mpi.handles.world, code === 0 ? 1 : code]);
  }
}
