import { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import { bytesOf, GRACE_MS, type Engine, type Exchange } from './collective.js';
import { describeCall, encodeFrame, frameOf, MAX_MESSAGE_BYTES, type Frame } from './frame.js';
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
    const bytes = bytesOf(values);
    const isRoot = call.root === this.#rank;
    const isBroadcast = call.kind === 'broadcast';
    // The answer comes over the bytes that are still being sent: of each part only when rank 0 has it.
    const brought = isBroadcast && !isRoot ? NOTHING : bytes;
    this.#wire.write(encodeFrame(call), brought).catch(() => undefined); // the listener tells why
    await this.#receive(isBroadcast && isRoot ? NOTHING : bytesOf(into), call);
  }

  async leave(turn: number): Promise<void> {
    this.#wire.write(encodeFrame(frameOf('leave', { turn }))).catch(() => undefined); // rank 0 may be gone
    this.#failure ??= failed('this rank has left the job');
    await this.#wire.end(GRACE_MS);
  }

  hold(isHeld: boolean): void {
    this.#wire.hold(isHeld);
  }

  async #receive(into: Uint8Array, call: Frame): Promise<void> {
    let at = 0;
    do {
      const part = await this.#frame;
      if (part.kind !== 'part' || part.turn !== call.turn || part.length > into.byteLength - at)
        throw this.#fail(failed(`${describeCall(call)}: rank 0 answers with ${describeCall(part)}`));
      await this.#wire.read(into.subarray(at, at + part.length)).catch((error: unknown) => {
        throw this.#fail(error);
      });
      at += part.length;
      this.#frame = this.#listen();
    } while (at < into.byteLength);
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
