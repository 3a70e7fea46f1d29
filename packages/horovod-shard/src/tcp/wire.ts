import type { Socket } from 'node:net';
import { decodeFrame, FRAME_BYTES, type Frame } from './frame.js';

/** A peer that says nothing is asked whether it is there after so long, and given up 10 s later. */
const KEEP_ALIVE_MS = 10_000;
const NOTHING = Buffer.alloc(0);

interface Reading {
  readonly into: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A socket of which exactly as many bytes are read as are asked for, into memory that is there: the rest waits in the kernel. */
export class Wire {
  readonly #socket: Socket;
  #rest: Buffer = NOTHING;
  #reading: Reading | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.pause();
    socket.on('end', () => this.#fail(new Error('the connection was closed')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Fills `into`. One read at a time. */
  async read(into: Uint8Array): Promise<void> {
    if (into.byteLength === 0) return;
    const filled = new Promise<void>((resolve, reject) => {
      this.#reading = { into, at: 0, resolve, reject };
    });
    const rest = this.#rest;
    this.#rest = NOTHING;
    if (rest.byteLength > 0) this.#take(rest);
    if (this.#reading !== undefined) {
      if (this.#failure === undefined) this.#socket.resume();
      else this.#fail(this.#failure);
    }
    await filled;
  }

  async readFrame(): Promise<Frame> {
    const bytes = Buffer.alloc(FRAME_BYTES);
    await this.read(bytes);
    return decodeFrame(bytes);
  }

  /** Done when the kernel has the bytes: not to be touched before. */
  async write(...pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.cork();
    const written = pieces
      .filter((piece) => piece.byteLength > 0)
      .map(
        (piece) =>
          new Promise<void>((resolve, reject) => {
            this.#socket.write(piece, (error) => (error ? reject(error) : resolve()));
          }),
      );
    this.#socket.uncork();
    await Promise.all(written);
  }

  /** Sends what was written, and hears no more. Done when the peer has closed too, or after `graceMs`. */
  async end(graceMs: number): Promise<void> {
    this.#fail(new Error('the connection was closed here'));
    if (this.#socket.destroyed) return;
    // What is still to come is read and dropped: a socket closed over unread bytes is reset, and the last ones sent are lost.
    this.#socket.end();
    this.#socket.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), graceMs);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Whether the process stays for this connection alone. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.ref();
    else this.#socket.unref();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#fail(new Error('the connection was closed here'));
  }

  #take(chunk: Buffer): void {
    const reading = this.#reading;
    if (reading === undefined) {
      if (this.#failure === undefined) this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    const taken = chunk.subarray(0, reading.into.byteLength - reading.at);
    reading.into.set(taken, reading.at);
    reading.at += taken.byteLength;
    if (reading.at < reading.into.byteLength) return;
    this.#socket.pause();
    this.#rest = chunk.subarray(taken.byteLength);
    this.#reading = undefined;
    reading.resolve();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#reading?.reject(this.#failure);
    this.#reading = undefined;
  }
}
