import { zerosLike } from '../collective/arrays.js';
import { checkReducible, checkRoot, checkSendable, failed, kindOf } from '../collective/checks.js';
import type { Collective, Reducible, Reduction, Sendable } from '../collective/types.js';
import { describeCall, frameOf, type Frame } from './frame.js';

/** How long who leaves waits for its last words to be heard. */
export const GRACE_MS = 5_000;

/** What a call reads and writes, as bytes of the caller's arrays. */
export interface Exchange {
  readonly call: Frame;
  /** What this rank brings. */
  readonly values: Sendable;
  /** What it is given. */
  readonly into: Sendable;
}

/** One rank's end of the job: the hub at rank 0, a spoke at each other one. */
export interface Engine {
  /** @throws DataRefError COLLECTIVE_FAILED */
  run(exchange: Exchange): Promise<void>;
  /** @param turn the first call that this rank will not make */
  leave(turn: number): Promise<void>;
  /** Whether the process stays for the job's connections alone. */
  hold(isHeld: boolean): void;
}

/** The calls of one rank, checked and in order, over its end of the job. */
export class TcpCollective implements Collective {
  readonly rank: number;
  readonly size: number;
  readonly #engine: Engine;
  #turn = 0;
  #last: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #underWay = 0;

  constructor({ rank, size }: { readonly rank: number; readonly size: number }, engine: Engine) {
    this.rank = rank;
    this.size = size;
    this.#engine = engine;
    engine.hold(false);
  }

  async allreduce<T extends Reducible>(values: T, reduction: Reduction = 'sum'): Promise<T> {
    checkReducible('allreduce', values, reduction);
    await this.#call(frameOf('allreduce', { ...sizeOf(values), reduction }), values);
    return values;
  }

  async broadcast<T extends Sendable>(values: T, root = 0): Promise<T> {
    checkSendable('broadcast', values);
    checkRoot('broadcast', root, this.size);
    await this.#call(frameOf('broadcast', { ...sizeOf(values), root }), values);
    return values;
  }

  async allgather<T extends Sendable>(values: T): Promise<T> {
    checkSendable('allgather', values);
    const all = zerosLike(values, values.length * this.size);
    await this.#call(frameOf('allgather', sizeOf(values)), values, all);
    return all;
  }

  async barrier(): Promise<void> {
    await this.#call(frameOf('barrier'), new Uint8Array(0));
  }

  /** Waits for the calls that were made, then says goodbye. */
  close(): Promise<void> {
    this.#closed ??= this.#held(() => this.#engine.leave(this.#turn));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(call: Frame, values: Sendable, into: Sendable = values): Promise<void> {
    if (this.#closed !== undefined) throw failed(`${describeCall(call)}: this rank has left the job`);
    const turn = this.#turn++;
    const done = this.#held(() => this.#engine.run({ call: { ...call, turn }, values, into }));
    this.#last = done.catch(() => undefined);
    await done;
  }

  /** Acts after the calls before. Between calls the process may end: one that has failed is to be missed, not waited for. */
  async #held(act: () => Promise<void>): Promise<void> {
    const before = this.#last;
    if (this.#underWay++ === 0) this.#engine.hold(true);
    try {
      await before;
      await act();
    } finally {
      if (--this.#underWay === 0) this.#engine.hold(false);
    }
  }
}

function sizeOf(values: Sendable): Pick<Frame, 'dtype' | 'length'> {
  return { dtype: kindOf(values) as Frame['dtype'], length: values.length };
}

/** The memory of an array, as bytes. */
export function bytesOf({ buffer, byteOffset, byteLength }: Sendable): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
