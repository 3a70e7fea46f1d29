import { DataRefError } from '../errors.js';
import { untrusted } from './answer-errors.js';
import type { Answer, FetchRequest } from './fetch-answer.js';
import { damagedOnItsWay, type GcsRequests, refusedFor, type Stored, storedOf } from './gcs-requests.js';
import type { Watch } from './idle-watch.js';
import type { IoOptions, ObjectWriter } from './object-store.js';

/** A multiple of 256 KiB, as resumable uploads want it; held in memory until the bucket has it. */
const CHUNK_BYTES = 8 * 2 ** 20;
const FIRST_BYTES = 2 ** 16;

/**
 * An object that is written chunk by chunk, by a resumable upload; at once where it is no larger than a chunk. After a
 * transient failure, `write` or `commit` may be called again with the same bytes, and goes on where it was.
 * @see https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
 */
export class GcsUpload implements ObjectWriter {
  readonly #requests: GcsRequests;
  readonly #key: string;
  readonly #name: string;
  readonly #options: IoOptions;
  readonly #md5 = process.getBuiltinModule('node:crypto').createHash('md5');
  /** What the bucket does not have yet, from `#sentBytes` on. */
  #buffer = new Uint8Array(0);
  #heldBytes = 0;
  #sentBytes = 0;
  /** Of the bytes of a `write` that failed. */
  #takenBytes = 0;
  #session: string | undefined;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(requests: GcsRequests, key: string, name: string, options: IoOptions) {
    this.#requests = requests;
    this.#key = key;
    this.#name = name;
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#checkOpen();
    while (this.#takenBytes < bytes.length) {
      // Only when there is more to come: the last chunk goes with the commit.
      if (this.#heldBytes === CHUNK_BYTES) await this.#sendChunk();
      const taken = bytes.subarray(this.#takenBytes, this.#takenBytes + CHUNK_BYTES - this.#heldBytes);
      this.#hold(taken);
      this.#takenBytes += taken.length;
    }
    this.#takenBytes = 0;
  }

  async commit(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#checkOpen();
    const stored = await (this.#session === undefined ? this.#putWhole() : this.#sendLast(this.#session));
    this.#state = 'committed';
    const md5 = this.#md5.copy().digest('base64');
    if (stored.byteLength === this.#sentBytes + this.#heldBytes && (stored.md5 ?? md5) === md5) return;
    await this.#requests.remove(this.#key, this.#name, stored.generation).catch(() => undefined);
    throw damagedOnItsWay(this.#key, this.#sentBytes + this.#heldBytes, false);
  }

  async abort(): Promise<void> {
    const session = this.#session;
    if (this.#state !== 'committed') this.#state = 'aborted';
    if (this.#state === 'committed' || session === undefined) return;
    // Without the writer's signal, which may be what ended it. 499 is what such an end is answered with.
    await this.#ask({ method: 'DELETE', url: session }, {}, async (answer, watch) => {
      if (![200, 204, 404, 410, 499].includes(answer.status))
        throw await refusedFor(this.#key, 'ending an upload', answer, watch);
    });
    this.#session = undefined;
    this.#buffer = new Uint8Array(0);
  }

  #checkOpen(): void {
    if (this.#state === 'open') return;
    throw new DataRefError('STORE_FAILED', `${this.#key}: nothing more can be written, it was ${this.#state}`, {
      details: { key: this.#key },
    });
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(needed, 2 * this.#buffer.length, FIRST_BYTES)));
      larger.set(this.#buffer.subarray(0, this.#heldBytes));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#heldBytes);
    this.#heldBytes = needed;
    this.#md5.update(bytes);
  }

  async #putWhole(): Promise<Stored> {
    const whole = this.#buffer.subarray(0, this.#heldBytes);
    return (await this.#requests.put(this.#key, this.#name, whole, this.#options)) as Stored; // no condition, no miss
  }

  async #sendChunk(): Promise<void> {
    this.#session ??= await this.#requests.startUpload(this.#key, this.#name, this.#options);
    await this.#send(this.#session, '*', async (answer, watch) => {
      if (answer.status !== 308) throw await refusedFor(this.#key, 'writing it', answer, watch);
      this.#letGo(answer);
    });
    if (this.#heldBytes === CHUNK_BYTES) throw this.#tookNothing();
  }

  async #sendLast(session: string): Promise<Stored> {
    return this.#send(session, String(this.#sentBytes + this.#heldBytes), async (answer, watch) => {
      if (answer.status === 200 || answer.status === 201) return storedOf(this.#key, answer, watch);
      if (answer.status !== 308) throw await refusedFor(this.#key, 'writing it', answer, watch);
      this.#letGo(answer);
      throw this.#tookNothing();
    });
  }

  /** Sends what is held. What the bucket has of it already, it leaves out. */
  #send<T>(session: string, total: string, take: (answer: Answer, watch: Watch) => Promise<T>): Promise<T> {
    const [start, end] = [this.#sentBytes, this.#sentBytes + this.#heldBytes];
    const headers = { 'content-range': `bytes ${start}-${end - 1}/${total}` };
    const body = this.#buffer.subarray(0, this.#heldBytes);
    return this.#ask({ method: 'PUT', url: session, headers, body }, this.#options, take);
  }

  #ask<T>(request: FetchRequest, options: IoOptions, take: (answer: Answer, watch: Watch) => Promise<T>): Promise<T> {
    return this.#requests.askUpload(this.#key, options, request, take);
  }

  /** Holds no more what the bucket says it has: all of it, or less. */
  #letGo(answer: Answer): void {
    const range = answer.header('range');
    const hasBytes = range === undefined ? 0 : Number(/^bytes=0-(\d{1,15})$/u.exec(range)?.[1] ?? Number.NaN) + 1;
    const newBytes = hasBytes - this.#sentBytes;
    if (!(newBytes >= 0 && newBytes <= this.#heldBytes))
      throw untrusted(this.#key, 'writing it', answer, 'the server says that it has other bytes than it was sent');
    this.#buffer.copyWithin(0, newBytes, this.#heldBytes);
    this.#heldBytes -= newBytes;
    this.#sentBytes = hasBytes;
  }

  #tookNothing(): DataRefError {
    return new DataRefError('STORE_FAILED', `${this.#key}: the server took a part of what it was sent`, {
      details: { key: this.#key, isTransient: true },
    });
  }
}
