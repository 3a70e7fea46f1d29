import { DataRefError, isDataRefError } from '../../errors.js';
import { orAbort } from '../../or-abort.js';
import type { ByteRange, IoOptions, ObjectReader } from '../object-store.js';
import { truncated } from '../store-errors.js';
import type { CachedObject } from './cached-object.js';
import type { LocalCopies } from './local-copies.js';
import type { OpenCopy } from './open-copy.js';
import type { SharedSource } from './shared-source.js';

/** Reads an object from its copy where there is one, else from the wrapped store. */
export class CachedReader implements ObjectReader {
  readonly byteLength: number;
  readonly #copies: LocalCopies;
  readonly #object: CachedObject;
  readonly #source: SharedSource;
  /** The first read waits for the copy. */
  readonly #waits: boolean;
  #hasLostCopy = false;
  /** The copy that was read last, and whether others were before. */
  #lastCopy: OpenCopy | undefined;
  #hasReadOthers = false;
  #isClosed = false;

  /** Takes over a hold of the object and one of the source. */
  constructor(copies: LocalCopies, object: CachedObject, source: SharedSource, waits: boolean) {
    this.byteLength = object.expected.byteLength;
    this.#copies = copies;
    this.#object = object;
    this.#source = source;
    this.#waits = waits;
  }

  async read(into: Uint8Array, position: number, options: IoOptions = {}): Promise<void> {
    await this.readRanges([{ into, position }], options);
  }

  async readRanges(ranges: readonly ByteRange[], options: IoOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    for (const range of ranges) this.#check(range);
    const end = this.#object.beginRead();
    try {
      const copy = await this.#copyFor(options.signal);
      if (copy !== undefined && (await this.#readCopy(copy, ranges, options))) return;
      const reader = await orAbort(this.#source.reader(), options.signal);
      await reader.readRanges(ranges, options);
      for (const { into } of ranges) this.#object.countPassed(into.length);
    } finally {
      end();
    }
  }

  /** There once the copy is, and lies on a local disk. */
  get readSync(): ((into: Uint8Array, position: number) => void) | undefined {
    return this.#object.copy?.reader.readSync === undefined || this.#isClosed ? undefined : this.#readSync;
  }

  async recheck(): Promise<boolean> {
    const hasLost = this.#hasLostCopy;
    this.#hasLostCopy = false;
    if (hasLost) return true;
    if (this.#lastCopy === undefined) return false;
    // The copy that proved wrong may have been replaced for another read meanwhile.
    return (await this.#object.recheck()) || this.#hasReadOthers || this.#object.copy !== this.#lastCopy;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#object.release(), this.#source.release()]);
  }

  async #copyFor(signal: AbortSignal | undefined): Promise<OpenCopy | undefined> {
    const { copy } = this.#object;
    if (copy !== undefined || this.#copies.isClosed) return copy;
    if (!this.#waits && !(this.#object.mayTry && this.#copies.isInTurn(this.#object))) {
      if (!this.#copies.isForeseen(this.#object)) this.#object.bringLater(this.#source);
      return undefined;
    }
    try {
      return await this.#object.bring(this.#source, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!this.#waits || this.#copies.isClosed || isDataRefError(error, 'GENERATION_GONE')) return undefined; // the source will tell
      throw error;
    }
  }

  /** False where the copy cannot be read: it is let go of then. */
  async #readCopy(copy: OpenCopy, ranges: readonly ByteRange[], options: IoOptions): Promise<boolean> {
    try {
      this.#noteRead(copy);
      await copy.reader.readRanges(ranges, options);
      for (const { into } of ranges) this.#object.countUse(into.length);
      return true;
    } catch {
      options.signal?.throwIfAborted();
      if (this.#object.copy === copy) await this.#object.drop();
      return false;
    }
  }

  #noteRead(copy: OpenCopy): void {
    this.#hasReadOthers ||= this.#lastCopy !== undefined && this.#lastCopy !== copy;
    this.#lastCopy = copy;
  }

  readonly #readSync = (into: Uint8Array, position: number): void => {
    this.#check({ into, position });
    try {
      const { copy } = this.#object;
      if (copy?.reader.readSync === undefined) throw new Error('the copy was removed');
      this.#noteRead(copy);
      copy.reader.readSync(into, position);
    } catch (error) {
      this.#hasLostCopy = true;
      void this.#object.drop();
      const { key } = this.#object.expected;
      throw new DataRefError(
        'CORRUPT',
        `${key}: its local copy could not be read; reading again reads the object itself`,
        {
          cause: error,
          details: { key },
        },
      );
    }
    this.#object.countUse(into.length);
  };

  #check({ into, position }: ByteRange): void {
    const { key, byteLength } = this.#object.expected;
    if (this.#isClosed) throw new DataRefError('STORE_FAILED', `${key}: the reader is closed`, { details: { key } });
    if (position + into.length > byteLength) throw truncated(key, position + into.length, byteLength);
  }
}
