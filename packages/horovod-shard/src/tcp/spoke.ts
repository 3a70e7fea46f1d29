import { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import { bytesOf, GRACE_MS, type Engine, type Exchange } from './collective.js';
import { describeCall, encodeFrame, frameOf, MAX_MESSAGE_BYTES, PART_BYTES, restOf, type Frame } from './frame.js';
import type { Wire } from './wire.js';

const NOTHING = new Uint8Array(0);

/** The end of a rank other than 0: brings rank 0 what it has, and takes the answer in its place. */
export class Spoke implements Engine {
  readonly #rank: number;
  readonly #wire: Wire;
  #failure: DataRefError | undefined;
  /** What rank 0 says next, which is read all the time: of a death each rank hears at once. */
  #frame: Promise<Frame>;

  constructor(rank: number, wire: Wire) {
    this.#rank = rank;
    this.#wire = wire;
    this.#frame = this.#listen();
  }

  async run({ call, values, into }: Exchange): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const isBroadcast = call.kind === 'broadcast';
    const isRoot = call.root === this.#rank;
    const brought = isBroadcast && !isRoot ? NOTHING : bytesOf(values);
    const answer = isBroadcast && isRoot ? NOTHING : bytesOf(into);
    const first = call.kind === 'allgather' ? brought : brought.subarray(0, PART_BYTES);
    const rest = brought.subarray(first.byteLength);
    // The answer comes over the bytes that are still being sent: of each part only when rank 0 has it.
    this.#send(call, first);
    let at = await this.#receive(answer, call);
    if (rest.byteLength > 0) {
      this.#send(restOf(call, brought.byteLength), rest);
      if (at === answer.byteLength) await this.#receive(NOTHING, call); // the root's
    }
    while (at < answer.byteLength) at += await this.#receive(answer.subarray(at), call);
  }

  async leave(turn: number): Promise<void> {
    this.#wire.write(encodeFrame(frameOf('leave', { turn }))).catch(() => undefined); // rank 0 may be gone
    this.#failure ??= failed('this rank has left the job');
    await this.#wire.end(GRACE_MS);
  }

  hold(isHeld: boolean): void {
    this.#wire.hold(isHeld);
  }

  #send(frame: Frame, bytes: Uint8Array): void {
    this.#wire.write(encodeFrame(frame), bytes).catch(() => undefined); // the listener tells why
  }

  /** The next part of the answer. @returns its length in bytes */
  async #receive(into: Uint8Array, call: Frame): Promise<number> {
    const part = await this.#frame;
    if (part.kind !== 'part' || part.turn !== call.turn || part.length > into.byteLength)
      throw this.#fail(failed(`${describeCall(call)}: rank 0 answers with ${describeCall(part)}`));
    await this.#wire.read(into.subarray(0, part.length)).catch((error: unknown) => {
      throw this.#fail(error);
    });
    this.#frame = this.#listen();
    return part.length;
  }

  #listen(): Promise<Frame> {
    const frame = this.#hear().catch((error: unknown) => {
      throw this.#fail(error);
    });
    frame.catch(() => undefined); // nobody may be waiting
    return frame;
  }

  async #hear(): Promise<Frame> {
    const frame = await this.#wire.readFrame();
    if (frame.kind === 'leave') throw failed('rank 0 has left the job');
    if (frame.kind !== 'failure') return frame;
    const message = Buffer.alloc(Math.min(frame.length, MAX_MESSAGE_BYTES));
    await this.#wire.read(message);
    throw failed(message.toString());
  }

  #fail(error: unknown): DataRefError {
    if (this.#failure !== undefined) return this.#failure;
    const message = error instanceof Error ? error.message : String(error);
    this.#failure =
      error instanceof DataRefError ? error : failed(`rank 0 is gone: ${message}; its process may have died`, error);
    void this.#wire.end(GRACE_MS);
    return this.#failure;
  }
}
