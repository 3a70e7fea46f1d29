import { inspect } from 'node:util';
import { checkReducible, checkRoot, checkSendable, failed, kindOf } from '../collective/checks.js';
import type { Collective, Reducible, Reduction, Sendable } from '../collective/types.js';
import { call } from './functions.js';
import type { MpiLibrary } from './library.js';
import { allgather, allreduce, broadcast, type Operation } from './operations.js';
import { type Asked, Turns } from './turns.js';

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
  readonly #turns: Turns;
  #isClosed = false;
  #left: Promise<void> | undefined;
  #isFinal = false;
  #uncaught: Error | undefined;

  constructor(mpi: MpiLibrary, { rank, size }: { readonly rank: number; readonly size: number }) {
    this.#mpi = mpi;
    this.rank = rank;
    this.size = size;
    this.#turns = new Turns(mpi, this);
    process.once('exit', (code) => this.#leaveAtExit(code));
    process.on('uncaughtExceptionMonitor', (error) => (this.#uncaught = error));
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
    return this.#meet('barrier');
  }

  barrierSync(): void {
    this.#now('barrierSync', nothing('barrier'));
  }

  close(): Promise<void> {
    return (this.#left ??= this.#leave());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leave(): Promise<void> {
    const agreed = this.#meet('close');
    this.#isClosed = true;
    // Those that are not leaving are told by their own calls. MPI waits for them when the process ends.
    await agreed.then(
      () => this.#finalize(),
      () => undefined,
    );
  }

  async #meet(kind: 'barrier' | 'close'): Promise<void> {
    return this.#later(kind, nothing(kind));
  }

  #allreduce<T extends Reducible>(name: string, values: T, reduction: Reduction): Asked<T> {
    checkReducible(name, values, reduction);
    return {
      named: { kind: 'allreduce', length: values.length, dtype: kindOf(values), reduction },
      byteLength: values.byteLength,
      operation: allreduce(this.#mpi, this.size, values, reduction),
    };
  }

  #broadcast<T extends Sendable>(name: string, values: T, root: number): Asked<T> {
    checkSendable(name, values);
    checkRoot(name, root, this.size);
    return {
      named: { kind: 'broadcast', length: values.length, dtype: kindOf(values), root },
      byteLength: values.byteLength,
      operation: broadcast(this.#mpi, values, root),
    };
  }

  #allgather<T extends Sendable>(name: string, values: T): Asked<T> {
    checkSendable(name, values);
    return {
      named: { kind: 'allgather', length: values.length, dtype: kindOf(values) },
      byteLength: values.byteLength * this.size,
      operation: allgather(this.#mpi, this, values),
    };
  }

  #later<T>(name: string, asked: Asked<T>): T | Promise<T> {
    this.#refuseClosed(name);
    return this.#turns.take(asked);
  }

  #now<T>(name: string, asked: Asked<T>): T {
    this.#refuseClosed(name);
    return this.#turns.takeNow(name, asked);
  }

  #refuseClosed(name: string): void {
    if (this.#isClosed) throw failed(`${name}: this rank has left the job`);
  }

  #finalize(): void {
    if (this.#isFinal) return;
    this.#isFinal = true;
    this.#turns.end();
    this.#mpi.run(call('Finalize'));
  }

  /**
   * A process that ends well without `close` leaves the job here, and waits for the others as `close` does. Of one that
   * fails, the launcher ends the job. One that ends within a call ends the job itself: Node waits at its end for the thread
   * that makes the call, which waits for the others.
   */
  #leaveAtExit(code: number): void {
    if (this.#turns.waiting > 0) this.#abort(code, 'within a call');
    if (this.#isFinal || code !== 0) return;
    try {
      if (!this.#isClosed) this.#turns.takeNow('close', nothing('close'));
    } catch {
      // The others are told by their own calls.
    }
    if (this.#turns.isBroken) this.#abort(code, 'after MPI had failed');
    this.#finalize();
  }

  #abort(code: number, when: string): never {
    // Node would print it after this.
    const uncaught = this.#uncaught === undefined ? '' : `: ${inspect(this.#uncaught)}`;
    process.stderr.write(`openMpi: rank ${this.rank} ended ${when}, and so the job is ended${uncaught}\n`);
    this.#mpi.run(call('Abort', this.#mpi.handles.world, code === 0 ? 1 : code));
    process.abort();
  }
}

/** A call by which nothing is moved. */
function nothing(kind: 'barrier' | 'close'): Asked<void> {
  return { named: { kind }, byteLength: 0, operation: noCalls() };
}

function* noCalls(): Operation<void> {
  yield [];
}
