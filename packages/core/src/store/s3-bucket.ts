import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { invalidArgument, isDataRefError } from '../errors.js';
import { lazyPackage } from '../lazy-module.js';
import type { Body } from './body.js';
import { IDLE_TIMEOUT_MS, uploadTimeoutMs, watched } from './idle-watch.js';
import type { IoOptions } from './object-store.js';
import { isMissing, s3Error } from './s3-errors.js';
import { type Send, sendBy } from './s3-send.js';
import { silent } from './store-errors.js';

type Sdk = typeof import('@aws-sdk/client-s3');

const loadSdk = lazyPackage(
  '@aws-sdk/client-s3',
  () => import('@aws-sdk/client-s3'),
  'S3 needs the package @aws-sdk/client-s3: npm i @aws-sdk/client-s3',
);

export interface S3Place {
  readonly bucket: string;
  /** Of all keys. Default: none. */
  readonly prefix?: string | undefined;
  /** A client of your own; its retries come on top of ours. */
  readonly client?: S3Client | undefined;
  /** Makes a client that does not retry by itself. Credentials come from the SDK's own chain where none are given. */
  readonly clientConfig?: S3ClientConfig | undefined;
  /** An attempt ends after so many ms without news from the server, or four times as long with less than 16 KiB. Default: 30,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What a request is made with. */
export interface S3Call {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  readonly send: Send;
}

export interface RequestOptions extends IoOptions {
  /** What is sent. */
  readonly uploadBytes?: number | undefined;
}

/** One bucket by one client: requests of one attempt each, whose failures are ours to tell. */
export class S3Bucket {
  /** `s3://bucket/prefix`. */
  readonly description: string;
  readonly idleTimeoutMs: number;
  readonly #bucket: string;
  readonly #given: Pick<S3Place, 'client' | 'clientConfig'>;
  #ready: Promise<Pick<S3Call, 'sdk' | 'client'>> | undefined;
  #isKnown = false;

  constructor({ bucket, client, clientConfig, idleTimeoutMs = IDLE_TIMEOUT_MS }: S3Place, prefix: string) {
    if (typeof bucket !== 'string' || bucket === '' || bucket.startsWith('s3:'))
      throw invalidArgument(`S3: bucket must be the name of a bucket, got ${JSON.stringify(bucket)}`);
    if (client !== undefined && clientConfig !== undefined)
      throw invalidArgument('S3: client and clientConfig exclude each other');
    this.description = `s3://${bucket}/${prefix}`;
    this.idleTimeoutMs = idleTimeoutMs;
    this.#bucket = bucket;
    this.#given = { client, clientConfig };
  }

  /** One exchange with the server, of which nobody else keeps watch. @throws DataRefError STORE_FAILED, TIMEOUT; what `request` catches is its own */
  async ask<T>(
    key: string,
    what: string,
    { signal, uploadBytes = 0 }: RequestOptions,
    request: (call: S3Call) => Promise<T>,
  ): Promise<T> {
    const idleTimeoutMs = uploadTimeoutMs(this.idleTimeoutMs, uploadBytes);
    const silence = (why: string): Error => silent(key, what, why, idleTimeoutMs, undefined, this.description + key);
    return watched({ signal, idleTimeoutMs, silence }, (watch) =>
      watch.wait(this.attempt(key, what, watch.signal, request)),
    );
  }

  /** As `ask`, where somebody else keeps watch. */
  async attempt<T>(
    key: string,
    what: string,
    abortSignal: AbortSignal,
    request: (call: S3Call) => Promise<T>,
  ): Promise<T> {
    const { sdk, client } = await this.#connect();
    abortSignal.throwIfAborted();
    try {
      const send = sendBy(client, this.description, abortSignal);
      const given = await request({ sdk, client, bucket: this.#bucket, send });
      this.#isKnown ||= given !== undefined;
      return given;
    } catch (error) {
      throw isDataRefError(error) ? error : s3Error(error, this.description, key, what);
    }
  }

  /**
   * For a missing object of which only HEAD has told, whose answer is the same where the bucket is missing.
   * @throws DataRefError STORE_FAILED where there is no such bucket
   */
  async requireBucket(options: IoOptions): Promise<void> {
    if (this.#isKnown) return;
    await this.ask('', 'looking for the bucket', options, async ({ sdk, send, bucket }) => {
      try {
        await send(new sdk.HeadBucketCommand({ Bucket: bucket }));
      } catch (error) {
        // Who may not ask for the bucket itself is told nothing, and goes on.
        if (isMissing(error))
          throw s3Error(
            { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } },
            this.description,
            '',
            'looking for it',
          );
      }
    });
  }

  async #connect(): Promise<Pick<S3Call, 'sdk' | 'client'>> {
    this.#ready ??= this.#load();
    this.#ready.catch(() => (this.#ready = undefined));
    return this.#ready;
  }

  async #load(): Promise<Pick<S3Call, 'sdk' | 'client'>> {
    const { client, clientConfig } = this.#given;
    const sdk = await loadSdk();
    if (client !== undefined) return { sdk, client };
    // Checksums that S3 itself does not ask for are refused by many a store that is compatible otherwise.
    const config = {
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    } as const;
    return { sdk, client: new sdk.S3Client({ ...config, ...clientConfig, maxAttempts: 1 }) };
  }
}

/** The body of an answer, which in Node is a stream of its. */
export function s3Body(body: unknown): Body {
  const stream = body as AsyncIterable<Uint8Array> & {
    destroy(): void;
    on(event: 'error', listener: () => void): void;
  };
  return {
    chunks: stream,
    cancel: () => {
      stream.on('error', () => undefined); // nobody listens any more
      stream.destroy();
    },
  };
}
