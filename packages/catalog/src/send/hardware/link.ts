import type { Readable, Writable } from 'node:stream';
import { DataRefError } from '@dataref/core';
import { listen, say } from './protocol.js';

/** A worker in another process, which does one task at a time. */
export class Link {
  readonly #output: Writable;
  readonly #onClose: () => void;
  #answer: { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void } | undefined;
  #end: DataRefError | undefined;

  /**
   * @param env for the worker, told first
   * @param onReady called once it can be given tasks
   * @param onClose ends the worker
   */
  constructor(
    input: Readable,
    output: Writable,
    env: Readonly<Record<string, string>>,
    onReady: () => void,
    onClose: () => void,
  ) {
    this.#output = output;
    this.#onClose = onClose;
    output.on('error', () => undefined); // the end of its input tells
    input.on('close', onClose); // it is gone, though a program that it has started may still hold on to something
    listen(input, (answer) => this.#take(answer), onReady);
    say(output, Buffer.from(JSON.stringify(env)));
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** @throws DataRefError WORKER_DIED where it ends before it answers */
  run(task: Uint8Array): Promise<Uint8Array> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      say(this.#output, task);
    });
  }

  /** The worker has ended. @param why for messages */
  ended(why: string): void {
    this.#end ??= new DataRefError('WORKER_DIED', why);
    this.#answer?.reject(this.#end);
    this.#answer = undefined;
  }

  close(): void {
    this.#onClose();
  }

  #take(bytes: Uint8Array): void {
    this.#answer?.resolve(bytes);
    this.#answer = undefined;
  }
}
