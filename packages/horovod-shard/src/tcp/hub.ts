import { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import { reduceInto } from '../collective/reduce.js';
import type { Reducible } from '../collective/types.js';
import { bytesOf, GRACE_MS, type Engine, type Exchange } from './collective.js';
import {
  describeCall,
  encodeFrame,
  frameOf,
  isSameCall,
  MAX_MESSAGE_BYTES,
  PART_BYTES,
  restOf,
  type Frame,
} from './frame.js';
import type { Wire } from './wire.js';

/** A rank as rank 0 sees it. */
export interface Peer {
  readonly rank: number;
  readonly wire: Wire;
  /** Its next call, which is read before rank 0 makes its own: so a death is seen at any time. */
  frame: Promise<Frame>;
}

/** A part of a call's values, from byte `start` to `end`. */
interface Taking {
  readonly call: Frame;
  readonly start: number;
  readonly end: number;
  /** All of them. */
  readonly values: { readonly byteLength: number };
}

/** Rank 0's end: takes what the others bring, reduces it in the order of the ranks, and sends it back. */
export class Hub implements Engine {
  readonly #peers: readonly Peer[];
  #failure: DataRefError | undefined;
  #tellFailure: (error: DataRefError) => void = () => undefined;
  readonly #failed: Promise<never>;
  #isCalling = false;
  readonly #left = new Set<Peer>();
  readonly #called = new Set<Peer>();
  #hasLeft = false;

  constructor(peers: readonly Peer[]) {
    this.#peers = peers;
    this.#failed = new Promise<never>((_, reject) => (this.#tellFailure = reject));
    this.#failed.catch(() => undefined);
    for (const peer of peers) this.#watch(peer);
  }

  async run(exchange: Exchange): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isCalling = true;
    this.#refuseWaitingForWhoLeft();
    const work = this.#serve(exchange).catch((error: DataRefError) => {
      this.#fail(error);
      throw this.#failure;
    });
    await Promise.race([work, this.#failed]);
  }

  async leave(turn: number): Promise<void> {
    this.#hasLeft = true;
    await this.#endAll(encodeFrame(frameOf('leave', { turn })));
  }

  hold(isHeld: boolean): void {
    for (const { wire } of this.#peers) wire.hold(isHeld);
  }

  async #serve({ call, values, into }: Exchange): Promise<void> {
    if (call.kind === 'allreduce') await this.#allreduce(values as Reducible, call);
    else if (call.kind === 'broadcast') await this.#broadcast(bytesOf(values), call);
    else if (call.kind === 'allgather') await this.#allgather(bytesOf(values), bytesOf(into), call);
    else await this.#barrier(call);
  }

  /** Waits until a peer has made this call too. */
  async #meet(peer: Peer, call: Frame): Promise<void> {
    const theirs = await peer.frame;
    this.#called.delete(peer);
    if (isSameCall(theirs, call)) return;
    const turn = theirs.turn === call.turn ? '' : ` (its call ${theirs.turn})`;
    throw failed(`rank ${peer.rank} called ${describeCall(theirs)}${turn} where rank 0 called ${describeCall(call)}`);
  }

  async #allreduce(values: Reducible, call: Frame): Promise<void> {
    const length = PART_BYTES / values.BYTES_PER_ELEMENT;
    const theirs = this.#peers.map(() => values.slice(0, length));
    await this.#answer(bytesOf(values), call, async (start, end) => {
      const first = start / values.BYTES_PER_ELEMENT;
      const own = values.subarray(first, first + length);
      const parts = theirs.map((part) => part.subarray(0, own.length));
      await this.#each((peer, i) => this.#take(peer, bytesOf(parts[i] as Reducible), { call, start, end, values }));
      reduceInto(own, [own, ...parts], call.reduction);
    });
  }

  async #broadcast(values: Uint8Array, call: Frame): Promise<void> {
    const from = this.#peers.find((peer) => peer.rank === call.root);
    const make = async (start: number, end: number): Promise<void> => {
      if (from !== undefined) await this.#take(from, values.subarray(start, end), { call, start, end, values });
    };
    const others = this.#each(async (peer) => {
      if (peer === from) return;
      await this.#meet(peer, call);
      this.#listen(peer);
    });
    await Promise.all([others, make(0, Math.min(PART_BYTES, values.byteLength))]);
    await this.#answer(values, call, (start, end) => (start === 0 ? Promise.resolve() : make(start, end)), from);
  }

  /**
   * Reads a part of what a peer brings. After the first one it waits for an answer before it sends the rest, and is
   * listened to: its death is seen, however long the others take to come.
   */
  async #take(peer: Peer, into: Uint8Array, { call, start, end, values }: Taking): Promise<void> {
    if (start === 0) await this.#meet(peer, call);
    if (start === PART_BYTES) await this.#meet(peer, restOf(call, values.byteLength));
    await read(peer, into);
    if (start === 0 || end === values.byteLength) this.#listen(peer);
  }

  async #allgather(own: Uint8Array, all: Uint8Array, call: Frame): Promise<void> {
    const length = own.byteLength;
    all.set(own);
    await this.#each(async (peer) => {
      await this.#meet(peer, call);
      await read(peer, all.subarray(peer.rank * length, (peer.rank + 1) * length));
      this.#listen(peer);
    });
    await this.#answer(all, call);
  }

  async #barrier(call: Frame): Promise<void> {
    await this.#each(async (peer) => {
      await this.#meet(peer, call);
      this.#listen(peer);
    });
    await this.#answer(new Uint8Array(0), call);
  }

  /**
   * Sends `bytes` to all, part by part, of which nothing makes one too.
   * @param make fills a part before it is sent
   * @param knowing has them already, and is told only that the rest of them may come, and that it is done
   */
  async #answer(
    bytes: Uint8Array,
    { turn }: Frame,
    make: (start: number, end: number) => Promise<void> = async () => undefined,
    knowing?: Peer,
  ): Promise<void> {
    for (let start = 0; start === 0 || start < bytes.byteLength; start += PART_BYTES) {
      const end = Math.min(start + PART_BYTES, bytes.byteLength);
      await make(start, end);
      const isLast = end === bytes.byteLength;
      if (isLast) this.#isCalling = false; // from here on the peers may make their next calls
      await this.#each(async (peer) => {
        if (peer !== knowing) await send(peer, turn, bytes.subarray(start, end));
        else if (isLast || start === 0) await send(peer, turn);
      });
    }
  }

  #each(act: (peer: Peer, index: number) => Promise<unknown>): Promise<unknown> {
    return Promise.all(this.#peers.map(act));
  }

  /** Of a peer that has brought all of its call: it has nothing to say before the answer, but its death is seen. */
  #listen(peer: Peer): void {
    peer.frame = peer.wire.readFrame();
    this.#watch(peer);
  }

  #watch(peer: Peer): void {
    peer.frame.then(
      ({ kind }) => {
        (kind === 'leave' ? this.#left : this.#called).add(peer);
        if (kind === 'leave') void peer.wire.end(GRACE_MS);
        this.#refuseWaitingForWhoLeft();
      },
      (error: unknown) => {
        this.#fail(gone(peer, error));
      },
    );
  }

  /** Who has left makes none of the calls that others wait in. */
  #refuseWaitingForWhoLeft(): void {
    const [leaver] = this.#left;
    if (leaver !== undefined && (this.#isCalling || this.#called.size > 0))
      this.#fail(failed(`rank ${leaver.rank} has left the job`));
  }

  #fail(error: DataRefError): void {
    if (this.#failure !== undefined || this.#hasLeft) return;
    this.#failure = error;
    this.#tellFailure(error);
    const message = Buffer.from(error.message).subarray(0, MAX_MESSAGE_BYTES);
    void this.#endAll(encodeFrame(frameOf('failure', { length: message.byteLength })), message);
  }

  async #endAll(...last: readonly Uint8Array[]): Promise<void> {
    await this.#each(async ({ wire }) => {
      wire.write(...last).catch(() => undefined); // it may be gone
      await wire.end(GRACE_MS);
    });
  }
}

async function read(peer: Peer, into: Uint8Array): Promise<void> {
  await peer.wire.read(into).catch((error: unknown) => {
    throw gone(peer, error);
  });
}

async function send(peer: Peer, turn: number, part: Uint8Array = new Uint8Array(0)): Promise<void> {
  const header = encodeFrame(frameOf('part', { turn, length: part.byteLength }));
  await peer.wire.write(header, part).catch((error: unknown) => {
    throw gone(peer, error);
  });
}

function gone({ rank }: Peer, error: unknown): DataRefError {
  if (error instanceof DataRefError) return failed(`rank ${rank}: ${error.message}`);
  return failed(`rank ${rank} is gone: ${(error as Error).message}; its process may have died`, error);
}
