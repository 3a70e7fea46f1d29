import { crc32 } from '../checksum/crc32.js';
import { inAttempts, type AttemptLimits } from './attempts.js';
import type { ObjectReader, ObjectWriter } from './object-store.js';
import { isTransient } from './store-errors.js';

const READ_BACK_BYTES = 2 ** 20;

/** A writer whose steps are repeated, as the contract of ObjectWriter allows after a transient failure. */
export class RetryingWriter implements ObjectWriter {
  readonly #writer: ObjectWriter;
  readonly #open: () => Promise<ObjectReader | undefined>;
  readonly #limits: AttemptLimits;
  readonly #signal: AbortSignal | undefined;
  #byteLength = 0;
  #crc = 0;

  /** @param open opens what is stored under the key, to be read withRetry too */
  constructor(
    writer: ObjectWriter,
    open: () => Promise<ObjectReader | undefined>,
    limits: AttemptLimits,
    signal: AbortSignal | undefined,
  ) {
    this.#writer = writer;
    this.#open = open;
    this.#limits = limits;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const written = inAttempts(this.#limits, this.#signal, () => this.#writer.write(bytes));
    this.#crc = crc32(bytes, this.#crc); // while the store is at work
    this.#byteLength += bytes.length;
    await written;
  }

  async commit(): Promise<void> {
    let mayBeDone = false;
    try {
      await inAttempts(this.#limits, this.#signal, async () => {
        try {
          await this.#writer.commit();
        } catch (error) {
          mayBeDone ||= isTransient(error);
          throw error;
        }
      });
    } catch (error) {
      // An attempt may have committed, though its answer got lost, and there is nothing left to commit since.
      if (this.#signal?.aborted === true || !mayBeDone || !(await this.#isCommitted().catch(() => false))) throw error;
    }
  }

  abort(): Promise<void> {
    return inAttempts(this.#limits, undefined, () => this.#writer.abort());
  }

  /** Whether what is stored is what was written. */
  async #isCommitted(): Promise<boolean> {
    const reader = await this.#open();
    if (reader === undefined) return false;
    try {
      if (reader.byteLength !== this.#byteLength) return false;
      const piece = new Uint8Array(Math.min(READ_BACK_BYTES, this.#byteLength));
      let crc = 0;
      for (let position = 0; position < this.#byteLength; position += piece.length) {
        const part = piece.subarray(0, this.#byteLength - position);
        await reader.read(part, position, { signal: this.#signal });
        crc = crc32(part, crc);
      }
      return crc === this.#crc;
    } finally {
      await reader.close();
    }
  }
}
