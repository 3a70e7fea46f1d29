import { constants } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';

// What is said to a worker that is another process, and what it says, are frames: eight bytes that tell a length, the lowest first,
// and as many bytes. To the worker: its environment in JSON, and then tasks, each once the one before is answered. From it: answers.

/** What a worker says before its first frame. Before that there may be other text: a login script may print a greeting. */
export const READY = Buffer.from('\0a worker of dataref is ready\n');

const HEADER_BYTES = 8;

/** Says something; where nobody hears it, reading tells. */
export function say(output: Writable, bytes: Uint8Array): void {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(bytes.length));
  output.write(header);
  output.write(bytes);
}

/**
 * Hears frames, each once all of it is there. What cannot be one, or that there is no memory for, ends the input.
 * @param onFrame given bytes that have a buffer of their own
 * @param onReady called once READY was heard, which frames follow; undefined: they come at once
 */
export function listen(input: Readable, onFrame: (bytes: Uint8Array<ArrayBuffer>) => void, onReady?: () => void): void {
  const frames = new Frames(onFrame);
  let isReady = onReady === undefined;
  let heard = Buffer.alloc(0);
  input.on('error', () => undefined); // its end tells
  input.on('data', (bytes: Buffer) => {
    if (!isReady) {
      heard = Buffer.concat([heard, bytes]);
      const at = heard.indexOf(READY);
      if (at < 0) {
        heard = heard.subarray(-READY.length);
        return;
      }
      isReady = true;
      onReady?.();
      bytes = heard.subarray(at + READY.length);
    }
    if (!frames.take(bytes)) input.destroy();
  });
}

/** Puts together what comes in pieces. */
class Frames {
  readonly #onFrame: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #frame: Buffer<ArrayBuffer> | undefined;
  /** Bytes that are there of the frame, or else of its header. */
  #filled = 0;

  constructor(onFrame: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#onFrame = onFrame;
  }

  /** @returns false where a length is none, or too much */
  take(bytes: Buffer): boolean {
    for (let at = 0; at < bytes.length;) {
      const into = this.#frame ?? this.#header;
      const count = bytes.copy(into, this.#filled, at);
      at += count;
      this.#filled += count;
      if (this.#filled < into.length) continue;
      this.#filled = 0;
      if (this.#frame === undefined) {
        const length = Number(this.#header.readBigUInt64LE());
        if (length === 0 || length > constants.MAX_LENGTH) return false;
        try {
          this.#frame = Buffer.allocUnsafeSlow(length);
        } catch {
          return false; // there is no memory for it
        }
      } else {
        this.#onFrame(this.#frame);
        this.#frame = undefined;
      }
    }
    return true;
  }
}
