import { DataRefError } from '@dataref/core';
import { copyOf, zerosLike } from './arrays.js';
import { checkReducible, checkRoot, checkSendable, failed, kindOf } from './checks.js';
import { reduceInto } from './reduce.js';
import type { Collective, Reducible, Reduction, Sendable } from './types.js';

/**
 * The ranks of a job within one process, for tests of what is to run under a launcher.
 * @param size number of ranks, from 1
 * @returns one collective a rank, which meet each other
 * @throws DataRefError INVALID_ARGUMENT
 */
export function localCollectives(size: number): readonly Collective[] {
  if (!Number.isInteger(size) || size < 1)
    throw new DataRefError('INVALID_ARGUMENT', `localCollectives: expected a number of ranks from 1, got ${size}`);
  const meetings = new Meetings(size);
  return Array.from({ length: size }, (_, rank) => new LocalCollective(rank, meetings));
}

/** One call of all ranks: what each brought, and when all have come. */
interface Meeting {
  readonly what: string;
  readonly brought: Sendable[];
  arrived: number;
  readonly done: Promise<void>;
  readonly settle: (error?: DataRefError) => void;
}

/** The n-th call of each rank meets the n-th calls of the others. */
class Meetings {
  readonly size: number;
  readonly #open = new Map<number, Meeting>();
  #failure: DataRefError | undefined;
  /** The first call that a rank which has left will not come to. */
  #leftAt = Infinity;

  constructor(size: number) {
    this.size = size;
  }

  /**
   * @param act done once, when all have come, with what each brought
   * @returns what each brought
   */
  async attend(
    { rank, turn }: { readonly rank: number; readonly turn: number },
    what: string,
    values: Sendable,
    act: (brought: readonly Sendable[]) => void = () => undefined,
  ): Promise<readonly Sendable[]> {
    if (turn >= this.#leftAt) this.#fail(failed(`${what}: a rank has left the job`));
    if (this.#failure !== undefined) throw this.#failure;
    const meeting = this.#open.get(turn) ?? this.#call(turn, what);
    if (meeting.what !== what) this.#fail(failed(`rank ${rank} called ${what} where another called ${meeting.what}`));
    else {
      meeting.brought[rank] = values;
      if (++meeting.arrived === this.size) {
        this.#open.delete(turn);
        act(meeting.brought);
        meeting.settle();
      }
    }
    await meeting.done;
    return meeting.brought;
  }

  leave(rank: number, turn: number): void {
    this.#leftAt = Math.min(this.#leftAt, turn);
    if ([...this.#open.keys()].some((open) => open >= turn)) this.#fail(failed(`rank ${rank} has left the job`));
  }

  #fail(error: DataRefError): void {
    this.#failure ??= error;
    for (const meeting of this.#open.values()) meeting.settle(this.#failure);
    this.#open.clear();
  }

  #call(turn: number, what: string): Meeting {
    let settle: Meeting['settle'] = () => undefined;
    const done = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    const meeting = { what, brought: [], arrived: 0, done, settle };
    this.#open.set(turn, meeting);
    return meeting;
  }
}

class LocalCollective implements Collective {
  readonly rank: number;
  readonly #meetings: Meetings;
  #turn = 0;
  #isClosed = false;

  constructor(rank: number, meetings: Meetings) {
    this.rank = rank;
    this.#meetings = meetings;
  }

  get size(): number {
    return this.#meetings.size;
  }

  async allreduce<T extends Reducible>(values: T, reduction: Reduction = 'sum'): Promise<T> {
    checkReducible('allreduce', values, reduction);
    const what = `allreduce (${reduction}) of ${values.length} ${kindOf(values)}`;
    await this.#meet(what, values, (brought) => {
      const parts = brought as readonly T[];
      const result = zerosLike(values, values.length);
      reduceInto(result, parts, reduction);
      for (const part of parts) part.set(result);
    });
    return values;
  }

  async broadcast<T extends Sendable>(values: T, root = 0): Promise<T> {
    checkSendable('broadcast', values);
    checkRoot('broadcast', root, this.size);
    await this.#meet(`broadcast of ${values.length} ${kindOf(values)} from ${root}`, values, (brought) => {
      for (const part of brought) if (part !== brought[root]) part.set(brought[root] as never);
    });
    return values;
  }

  async allgather<T extends Sendable>(values: T): Promise<T> {
    checkSendable('allgather', values);
    // A copy: its owner may write it anew as soon as it has its own answer.
    const brought = await this.#meet(`allgather of ${values.length} ${kindOf(values)}`, copyOf(values));
    const all = zerosLike(values, values.length * this.size);
    brought.forEach((part, rank) => all.set(part as never, rank * values.length));
    return all;
  }

  async barrier(): Promise<void> {
    await this.#meet('barrier', new Uint8Array(0));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#meetings.leave(this.rank, this.#turn);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #meet(
    what: string,
    values: Sendable,
    act?: (brought: readonly Sendable[]) => void,
  ): Promise<readonly Sendable[]> {
    if (this.#isClosed) throw failed(`${what}: this rank has left the job`);
    return this.#meetings.attend({ rank: this.rank, turn: this.#turn++ }, what, values, act);
  }
}
