import { inAttempts, type AttemptLimits } from './attempts.js';
import type { ByteRange, IoOptions, ObjectReader } from './object-store.js';
import { readEach } from './read-each.js';
import { isTransient } from './store-errors.js';

/** An attempt that brought less did not get further: else a server that sends a byte a time would keep us for ever. */
const LEAST_PROGRESS_BYTES = 4096;

/** A reader whose reads go on where they were cut off. */
export class RetryingReader implements ObjectReader {
  readonly byteLength: number;
  readonly #reader: ObjectReader;
  readonly #limits: AttemptLimits;

  constructor(reader: ObjectReader, limits: AttemptLimits) {
    this.byteLength = reader.byteLength;
    this.#reader = reader;
    this.#limits = limits;
  }

  async read(into: Uint8Array, position: number, options: IoOptions = {}): Promise<void> {
    let filled = 0;
    await inAttempts(this.#limits, options.signal, async (renew) => {
      const rest = filled === 0 ? into : into.subarray(filled);
      try {
        await this.#reader.read(rest, position + filled, options);
      } catch (error) {
        const gotBytes = filledBytes(error, rest.length);
        filled += gotBytes;
        if (filled === into.length && gotBytes > 0) return; // cut off after the last byte
        if (gotBytes >= LEAST_PROGRESS_BYTES) renew();
        throw error;
      }
    });
  }

  /** Each range for itself: where one fails, the others need not be read again. */
  readRanges(ranges: readonly ByteRange[], options: IoOptions = {}): Promise<void> {
    return readEach((into, position) => this.read(into, position, options), ranges, options);
  }

  get readSync(): ObjectReader['readSync'] {
    const reader = this.#reader;
    return reader.readSync && ((into, position) => reader.readSync?.(into, position));
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

/** How many bytes an attempt filled before it was cut off, as the store says. */
function filledBytes(error: unknown, length: number): number {
  const filled = isTransient(error) ? error.details['filledBytes'] : undefined;
  return Number.isInteger(filled) ? Math.max(0, Math.min(filled as number, length)) : 0;
}
