import { DataRefError } from '../errors.js';
import { refused, untrusted } from './answer-errors.js';
import { type Answer, ask, fetchAnswer, gather, joined, type FetchRequest } from './fetch-answer.js';
import type { GcsClient } from './gcs-client.js';
import type { Watch } from './idle-watch.js';
import type { IoOptions } from './object-store.js';

/** Metadata, pages of a list, words of errors: more than any of them has. */
const JSON_LIMIT_BYTES = 16 * 2 ** 20;

/** What a bucket says of an object that it took. */
export interface Stored {
  readonly generation: string;
  readonly byteLength: number;
  /** In base64; an object that was composed of others has none. */
  readonly md5: string | undefined;
}

/**
 * Requests of one bucket's JSON API, one attempt each.
 * @see https://cloud.google.com/storage/docs/json_api/v1
 */
export class GcsRequests {
  readonly #bucket: string;
  readonly #connect: () => Promise<GcsClient>;
  readonly #idleTimeoutMs: number | undefined;
  #client: Promise<GcsClient> | undefined;

  constructor(bucket: string, connect: () => Promise<GcsClient>, idleTimeoutMs: number | undefined) {
    this.#bucket = bucket;
    this.#connect = connect;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Of an object or a prefix, for messages. */
  address(name: string): string {
    return `gs://${this.#bucket}/${name}`;
  }

  /** Path of an object, or of the bucket's objects. */
  path(name?: string): string {
    const objects = `/storage/v1/b/${encodeURIComponent(this.#bucket)}/o`;
    return name === undefined ? objects : `${objects}/${encodeURIComponent(name)}`;
  }

  /** The answer to a request with credentials, whatever its status. */
  async answer(
    key: string,
    what: string,
    request: Omit<FetchRequest, 'url'> & { readonly path: string },
    signal: AbortSignal,
  ): Promise<Answer> {
    const { path, ...rest } = request;
    this.#client ??= this.#connect();
    this.#client.catch(() => (this.#client = undefined));
    const client = await this.#client;
    const headers = { ...rest.headers, ...(await client.authorization(key, signal)) };
    return fetchAnswer(fetch, { ...rest, url: `${client.endpoint}${path}`, headers }, { key, what, signal });
  }

  /** The answer to a request of a small answer, and what `take` makes of it. */
  ask<T>(
    key: string,
    what: string,
    { signal }: IoOptions,
    request: Omit<FetchRequest, 'url'> & { readonly path: string },
    take: (answer: Answer, watch: Watch) => Promise<T>,
  ): Promise<T> {
    const options = { key, what, signal, idleTimeoutMs: this.#idleTimeoutMs, uploadBytes: request.body?.length };
    return ask(options, (watched) => this.answer(key, what, request, watched), take);
  }

  /** Writes an object at once, where the generation is as said. @returns undefined where it is not */
  put(
    key: string,
    name: string,
    bytes: Uint8Array,
    options: IoOptions & { readonly ifGeneration?: string | undefined },
  ): Promise<Stored | undefined> {
    const md5 = md5Of(bytes);
    const query = new URLSearchParams({ uploadType: 'multipart', name });
    if (options.ifGeneration !== undefined) query.set('ifGenerationMatch', options.ifGeneration);
    const boundary = `dataref-${md5.replace(/\W/gu, '-')}`;
    // With its MD5, so that what was damaged on its way is refused there.
    const metadata = JSON.stringify({ name, contentType: 'application/octet-stream', md5Hash: md5 });
    const body = joined([
      ascii(`--${boundary}\r\ncontent-type: application/json\r\n\r\n${metadata}\r\n--${boundary}\r\n`),
      ascii('content-type: application/octet-stream\r\n\r\n'),
      bytes,
      ascii(`\r\n--${boundary}--\r\n`),
    ]);
    const headers = { 'content-type': `multipart/related; boundary=${boundary}` };
    const path = `/upload${this.path()}?${query.toString()}`;
    return this.ask(key, 'writing it', options, { method: 'POST', path, headers, body }, async (answer, watch) => {
      if (answer.status === 412) return undefined;
      if (answer.status !== 200) throw await refusedFor(key, 'writing it', answer, watch);
      const stored = await storedOf(key, answer, watch);
      if (stored.byteLength === bytes.length && (stored.md5 ?? md5) === md5) return stored;
      throw damagedOnItsWay(key, bytes.length, true);
    });
  }

  /** @returns false where there is none, or not of that generation */
  remove(key: string, name: string, generation: string | undefined, options: IoOptions = {}): Promise<boolean> {
    const query = generation === undefined ? '' : `?ifGenerationMatch=${generation}`;
    const request = { method: 'DELETE', path: this.path(name) + query } as const;
    return this.ask(key, 'deleting it', options, request, async (answer, watch) => {
      if (answer.status === 404 || answer.status === 412) return false;
      if (answer.status !== 200 && answer.status !== 204) throw await refusedFor(key, 'deleting it', answer, watch);
      return true;
    });
  }

  /** @returns the address to which the object's bytes go, which is a secret: who knows it may write */
  startUpload(key: string, name: string, options: IoOptions): Promise<string> {
    const path = `/upload${this.path()}?uploadType=resumable&name=${encodeURIComponent(name)}`;
    const headers = { 'content-type': 'application/json', 'x-upload-content-type': 'application/octet-stream' };
    const body = ascii(JSON.stringify({ name, contentType: 'application/octet-stream' }));
    return this.ask(
      key,
      'starting to write',
      options,
      { method: 'POST', path, headers, body },
      async (answer, watch) => {
        if (answer.status !== 200 && answer.status !== 201)
          throw await refusedFor(key, 'starting to write', answer, watch);
        const session = answer.header('location');
        if (session !== undefined && URL.canParse(session)) return session;
        throw untrusted(key, 'starting to write', answer, 'the server named no address for the upload');
      },
    );
  }

  /** A request to an upload's own address, which needs no credentials. */
  askUpload<T>(
    key: string,
    { signal }: IoOptions,
    request: FetchRequest,
    take: (answer: Answer, watch: Watch) => Promise<T>,
  ): Promise<T> {
    const what = 'writing it';
    const options = { key, what, signal, idleTimeoutMs: this.#idleTimeoutMs, uploadBytes: request.body?.length };
    return ask(options, (watched) => fetchAnswer(fetch, request, { key, what, signal: watched }), take);
  }
}

/** An answer that is not the one hoped for, with the API's word for the reason. */
export async function refusedFor(key: string, what: string, answer: Answer, watch: Watch): Promise<DataRefError> {
  const body = await gather(key, answer.body, JSON_LIMIT_BYTES, watch).catch(() => undefined);
  watch.signal.throwIfAborted();
  const { error } = Object(parse(body)) as { error?: { errors?: readonly { reason?: unknown }[] } };
  const reason = error?.errors?.[0]?.reason;
  return refused(key, what, answer, typeof reason === 'string' ? reason : undefined);
}

/** @throws DataRefError STORE_FAILED where the body is no JSON object */
export async function jsonOf(key: string, answer: Answer, watch: Watch): Promise<Record<string, unknown>> {
  const value = parse(await gather(key, answer.body, JSON_LIMIT_BYTES, watch));
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw untrusted(key, 'asking the bucket', answer, 'the server sent no JSON');
}

/** What an answer says of the object that was written. @throws DataRefError STORE_FAILED where it does not */
export async function storedOf(key: string, answer: Answer, watch: Watch): Promise<Stored> {
  const { generation, size, md5Hash } = await jsonOf(key, answer, watch);
  const isRight = /^\d{1,20}$/u.test(String(generation)) && /^\d{1,15}$/u.test(String(size));
  if (!isRight) throw untrusted(key, 'writing it', answer, 'the server named neither generation nor size');
  const md5 = typeof md5Hash === 'string' ? md5Hash : undefined;
  return { generation: String(generation), byteLength: Number(size), md5 };
}

function md5Of(bytes: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('md5').update(bytes).digest('base64');
}

export function damagedOnItsWay(key: string, byteLength: number, isTransient: boolean): DataRefError {
  return new DataRefError(
    'STORE_FAILED',
    `${key}: what was stored is not what was sent; its ${byteLength} bytes were damaged on their way`,
    { details: { key, isTransient } },
  );
}

function parse(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
