import { DataRefError } from '../errors.js';
import { onAbort } from '../or-abort.js';
import type { ObjectWriter } from './object-store.js';
import type { S3Bucket, S3Call } from './s3-bucket.js';
import { hasStatus } from './s3-errors.js';
import { wrongAnswer } from './store-errors.js';

/** All parts but the last have this size, which some compatible stores demand. Objects of up to 78 GiB. */
export const PART_BYTES = 8 * 2 ** 20;
const MAX_PARTS = 10_000;
/** Parts that are held in memory until they are stored. */
const MAX_UPLOADS = 4;

/** A part on its way. */
interface PartUpload {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Settled, never rejected, when the attempt has ended. */
  ended: Promise<void>;
  failure: unknown;
}

/**
 * Writes an object in parts, several at once; one that fits a single part at once. A step that failed with what may pass
 * can be repeated: what of its bytes was taken already is known, and parts that failed are sent again.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
export class S3Writer implements ObjectWriter {
  readonly #s3: S3Bucket;
  readonly #key: string;
  readonly #name: string;
  readonly #signal: AbortSignal | undefined;
  readonly #putWhole: (bytes: Uint8Array) => Promise<void>;
  /** Aborted by the caller's signal, and by `abort`. */
  readonly #stop = new AbortController();
  readonly #unfollow: () => void;
  /** Bytes of the next part, which is made when there is more than one. */
  #buffer: Uint8Array = new Uint8Array(0);
  #buffered = 0;
  /** Of the step that failed, bytes that need not be given again. */
  #takenBytes = 0;
  #uploadId: string | undefined;
  /** By part number, less one. */
  readonly #tags: string[] = [];
  #parts = 0;
  readonly #uploads = new Set<PartUpload>();
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(
    s3: S3Bucket,
    key: string,
    name: string,
    signal: AbortSignal | undefined,
    putWhole: (bytes: Uint8Array) => Promise<void>,
  ) {
    this.#s3 = s3;
    this.#key = key;
    this.#name = name;
    this.#signal = signal;
    this.#putWhole = putWhole;
    this.#unfollow = onAbort(signal, () => this.#stop.abort(signal?.reason));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    while (this.#takenBytes < bytes.length) {
      if (this.#buffered === PART_BYTES) await this.#sendPart();
      this.#signal?.throwIfAborted();
      const taken = bytes.subarray(this.#takenBytes, this.#takenBytes + PART_BYTES - this.#buffered);
      this.#reserve(this.#buffered + taken.length);
      this.#buffer.set(taken, this.#buffered);
      this.#buffered += taken.length;
      this.#takenBytes += taken.length;
    }
    this.#takenBytes = 0;
  }

  async commit(): Promise<void> {
    this.#check();
    if (this.#parts === 0) await this.#putWhole(this.#buffer.subarray(0, this.#buffered));
    else {
      if (this.#buffered > 0) await this.#sendPart();
      await this.#settle(0);
      await this.#complete();
    }
    this.#end('committed');
  }

  async abort(): Promise<void> {
    if (this.#state === 'committed') return;
    this.#end('aborted');
    this.#stop.abort(new DataRefError('STORE_FAILED', `${this.#key}: writing it was given up`));
    // A part that arrives after the end of its upload would stay.
    await Promise.all(Array.from(this.#uploads, ({ ended }) => ended));
    this.#uploads.clear();
    if (this.#uploadId === undefined) return;
    await this.#s3.ask(this.#key, 'ending the upload of', {}, async ({ sdk, send, ...s3 }) => {
      try {
        await send(new sdk.AbortMultipartUploadCommand(this.#upload(s3.bucket)));
      } catch (error) {
        if (!hasStatus(error, 404)) throw error; // else it has ended already
      }
    });
    this.#uploadId = undefined;
  }

  #end(state: 'committed' | 'aborted'): void {
    this.#state = state;
    this.#unfollow();
    this.#buffer = new Uint8Array(0);
  }

  #check(): void {
    this.#signal?.throwIfAborted();
    if (this.#state === 'open') return;
    throw new DataRefError('STORE_FAILED', `${this.#key}: nothing can be written, it was ${this.#state}`, {
      details: { key: this.#key },
    });
  }

  /** Makes room for so many bytes of a part: little for a small object. */
  #reserve(byteLength: number): void {
    if (byteLength <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.min(PART_BYTES, Math.max(byteLength, 2 * this.#buffer.length)));
    larger.set(this.#buffer.subarray(0, this.#buffered));
    this.#buffer = larger;
  }

  /** Hands the buffered bytes to an upload, as soon as there is room for one. */
  async #sendPart(): Promise<void> {
    if (this.#parts === MAX_PARTS) {
      throw new DataRefError('OUT_OF_RANGE', `${this.#key}: has more than ${MAX_PARTS} parts of ${PART_BYTES} bytes`, {
        details: { key: this.#key },
      });
    }
    await this.#begin();
    await this.#settle(MAX_UPLOADS - 1);
    const part: PartUpload = {
      number: ++this.#parts,
      bytes: this.#buffer.subarray(0, this.#buffered),
      ended: Promise.resolve(),
      failure: undefined,
    };
    this.#buffer = new Uint8Array(PART_BYTES);
    this.#buffered = 0;
    this.#uploads.add(part);
    part.ended = this.#uploadPart(part);
  }

  /** Sends again what failed before, then waits until at most so many uploads are left. @throws the first failure */
  async #settle(left: number): Promise<void> {
    for (const part of this.#uploads) if (part.failure !== undefined) part.ended = this.#uploadPart(part);
    while (this.#uploads.size > left) {
      await Promise.race(Array.from(this.#uploads, ({ ended }) => ended));
      this.#signal?.throwIfAborted();
      for (const { failure } of this.#uploads) if (failure !== undefined) throw failure;
    }
  }

  async #uploadPart(part: PartUpload): Promise<void> {
    const { number, bytes } = part;
    part.failure = undefined;
    try {
      this.#tags[number - 1] = await this.#ask('writing', bytes.length, async ({ sdk, send, bucket }) => {
        const command = new sdk.UploadPartCommand({ ...this.#upload(bucket), PartNumber: number, Body: bytes });
        const { ETag } = await send(command);
        if (ETag === undefined) throw wrongAnswer(this.#key, 'an ETag of the part', 'none');
        return ETag;
      });
      this.#uploads.delete(part);
    } catch (error) {
      part.failure = error ?? new Error('it failed');
    }
  }

  async #begin(): Promise<void> {
    this.#uploadId ??= await this.#ask('beginning the upload of', 0, async ({ sdk, send, bucket }) => {
      const command = new sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: this.#name });
      const { UploadId } = await send(command);
      if (UploadId === undefined) throw wrongAnswer(this.#key, 'the id of an upload', 'none');
      return UploadId;
    });
  }

  /** The server may take its time for many parts. */
  async #complete(): Promise<void> {
    await this.#ask('committing', this.#parts * PART_BYTES, async ({ sdk, send, bucket }) => {
      const Parts = this.#tags.map((ETag, i) => ({ PartNumber: i + 1, ETag }));
      const MultipartUpload = { Parts };
      await send(new sdk.CompleteMultipartUploadCommand({ ...this.#upload(bucket), MultipartUpload }));
    });
  }

  #upload(bucket: string): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: bucket, Key: this.#name, UploadId: this.#uploadId as string };
  }

  #ask<T>(what: string, uploadBytes: number, request: (call: S3Call) => Promise<T>): Promise<T> {
    return this.#s3.ask(this.#key, what, { signal: this.#stop.signal, uploadBytes }, request);
  }
}
