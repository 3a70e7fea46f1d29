import { countOf, describeValue, refuseUnknown } from '../arguments.js';
import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import { refused, untrusted } from './answer-errors.js';
import { type Answer, ask, fetchAnswer, gather } from './fetch-answer.js';
import { checkKey } from './key.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  OpenOptions,
  StoredObject,
} from './object-store.js';
import { rangedReader, type RangeAnswer, type RangeRequest } from './ranged-reader.js';
import { cutOff, generationGone, tooLarge, truncated } from './store-errors.js';
import type { Watch } from './idle-watch.js';

export interface HttpStoreOptions {
  /** Sent with every request, to this server alone: `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** An attempt ends after so many ms without news from the server, or four times as long with less than 16 KiB. Default: 30,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** Objects below a URL, as any server of files shows them that knows ranges. Only reads; runs in browsers too. */
export class HttpStore implements ObjectStore {
  readonly description: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof globalThis.fetch;
  readonly #idleTimeoutMs: number | undefined;

  /**
   * @param url of the folder; without credentials, query and fragment
   * @throws DataRefError INVALID_ARGUMENT
   */
  constructor(url: string | URL, options: HttpStoreOptions = {}) {
    const { headers = {}, fetch = globalThis.fetch, idleTimeoutMs, ...unknown } = options;
    refuseUnknown('HttpStore', unknown, ['headers', 'fetch', 'idleTimeoutMs']);
    this.description = folderUrl('HttpStore', url);
    this.#headers = checkHeaders(headers);
    this.#fetch = (...request) => fetch(...request);
    this.#idleTimeoutMs =
      idleTimeoutMs === undefined ? undefined : countOf('HttpStore: idleTimeoutMs', idleTimeoutMs, 1, 2 ** 31 - 1);
  }

  async head(key: string, options: IoOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#ask(key, 'head', 'HEAD', options, async (answer) => {
      const found = statOf(key, answer);
      return found && { key, byteLength: sizeOf(key, answer), modifiedMs: Date.parse(found.modified ?? '') || 0 };
    });
  }

  async get(key: string, limitBytes: number, options: IoOptions = {}): Promise<StoredObject | undefined> {
    return this.#ask(key, 'get', 'GET', options, async (answer, watch) => {
      const found = statOf(key, answer);
      if (found === undefined) return undefined;
      const { byteLength, version } = found;
      if (byteLength !== undefined && byteLength > limitBytes) throw tooLarge(key, byteLength, limitBytes);
      const bytes = await gather(key, answer.body, byteLength ?? limitBytes, watch);
      if (bytes === undefined) throw tooLarge(key, (byteLength ?? limitBytes) + 1, byteLength ?? limitBytes);
      if (byteLength !== undefined && bytes.length < byteLength) throw cutOff(key, bytes.length, byteLength);
      return { bytes, version };
    });
  }

  async open(key: string, options: OpenOptions = {}): Promise<ObjectReader | undefined> {
    const { byteLength: given, signal } = options;
    if (given !== undefined) return this.#reader(checkKey(key), given, undefined);
    return this.#ask(key, 'open', 'HEAD', { signal }, async (answer) => {
      const found = statOf(key, answer);
      return found && this.#reader(key, sizeOf(key, answer), found.version);
    });
  }

  #reader(key: string, byteLength: number, version: string | undefined): ObjectReader {
    const idleTimeoutMs = this.#idleTimeoutMs;
    const fetchRange = async (request: RangeRequest): Promise<RangeAnswer> => {
      const { start, end, signal } = request;
      const headers = { ...this.#headers, ...conditionOf(request.version), range: `bytes=${start}-${end - 1}` };
      const url = this.#url(key);
      const answer = await fetchAnswer(
        this.#fetch,
        { method: 'GET', url, headers },
        { key, what: 'read', signal },
      ).catch(this.#name);
      try {
        return rangeOf(key, answer, request, byteLength);
      } catch (error) {
        answer.body.cancel();
        return this.#name(error);
      }
    };
    return rangedReader({ key, byteLength, version, fetchRange, idleTimeoutMs });
  }

  #ask<T>(
    key: string,
    what: string,
    method: 'GET' | 'HEAD',
    { signal }: IoOptions,
    take: (answer: Answer, watch: Watch) => Promise<T>,
  ): Promise<T> {
    // Of itself fetch would ask for any encoding. A browser decides for itself, and leaves this out.
    const request = { method, url: this.#url(key), headers: { 'accept-encoding': 'identity', ...this.#headers } };
    const asked = (watched: AbortSignal) => fetchAnswer(this.#fetch, request, { key, what, signal: watched });
    return ask({ key, what, signal, idleTimeoutMs: this.#idleTimeoutMs }, asked, take).catch(this.#name);
  }

  /** Says where the server is that failed. */
  readonly #name = (error: unknown): never => {
    if (!isDataRefError(error, 'STORE_FAILED', 'TIMEOUT')) throw error;
    const { code, message, cause, details } = error;
    throw new DataRefError(code, `${this.description}: ${message}`, {
      details,
      ...(cause === undefined ? {} : { cause }),
    });
  };

  #url(key: string): string {
    return this.description + checkKey(key).split('/').map(encodeURIComponent).join('/');
  }

  async put(): Promise<string | undefined> {
    throw this.#readOnly('put');
  }

  async create(): Promise<ObjectWriter> {
    throw this.#readOnly('create');
  }

  list(): AsyncIterable<ObjectInfo> {
    const next = async (): Promise<never> => {
      throw this.#readOnly('list');
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async listFolders(): Promise<readonly string[]> {
    throw this.#readOnly('list');
  }

  async delete(): Promise<boolean> {
    throw this.#readOnly('delete');
  }

  async sweep(): Promise<number> {
    throw this.#readOnly('sweep');
  }

  #readOnly(operation: string): DataRefError {
    return readOnly(this.description, operation);
  }
}

/** What is answered to all that HTTP cannot do. */
export function readOnly(description: string, operation: string): DataRefError {
  return new DataRefError(
    'UNSUPPORTED',
    `${description}: ${operation} is not possible, for over HTTP a storage is read by name and nothing else; write and list where its files are, with FileStorage, S3Storage or GCSStorage`,
    { details: { operation } },
  );
}

/** What an answer of 200 says of the object; undefined where there is none. */
function statOf(key: string, answer: Answer) {
  const { status } = answer;
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw refused(key, 'reading it', answer);
  refuseEncoded(key, answer);
  const length = answer.header('content-length');
  const byteLength = length !== undefined && /^\d{1,15}$/u.test(length) ? Number(length) : undefined;
  const modified = answer.header('last-modified');
  return { byteLength, modified, version: versionOf(answer, byteLength) };
}

function sizeOf(key: string, answer: Answer): number {
  const { byteLength } = statOf(key, answer) ?? {};
  if (byteLength === undefined)
    throw untrusted(
      key,
      'asking for its size',
      answer,
      'the server names no Content-Length, so that no range can be read',
    );
  return byteLength;
}

/** Holds the status of a range's answer against what it may mean; the rest is the reader's to check. */
function rangeOf(key: string, answer: Answer, { start, end, version }: RangeRequest, byteLength: number): RangeAnswer {
  const { status, body } = answer;
  if (status === 404 || status === 410 || status === 412) throw generationGone(key);
  const contentRange = answer.header('content-range');
  if (status === 416)
    throw truncated(key, end, Number(/^bytes \*\/(\d{1,15})$/u.exec(contentRange ?? '')?.[1] ?? start));
  if (status !== 200 && status !== 206) throw refused(key, 'reading it', answer);
  refuseEncoded(key, answer);
  if (status === 206) {
    if (contentRange === undefined) {
      throw untrusted(
        key,
        'reading it',
        answer,
        'the answer shows no Content-Range; a server of another origin than the page must expose it (Access-Control-Expose-Headers: Content-Range, ETag)',
      );
    }
    const total = /\/(\d{1,15})$/u.exec(contentRange)?.[1];
    return { status, contentRange, version: versionOf(answer, Number(total ?? byteLength)), body };
  }
  // A server that knows no ranges serves those who want the whole: this is its range then.
  const length = Number(answer.header('content-length'));
  if (start !== 0 || end !== byteLength || length !== byteLength) return { status, contentRange, version, body };
  const whole = `bytes 0-${byteLength - 1}/${byteLength}`;
  return { status: 206, contentRange: whole, version: versionOf(answer, byteLength), body };
}

function refuseEncoded(key: string, answer: Answer): void {
  const encoding = answer.header('content-encoding');
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw untrusted(
    key,
    'reading it',
    answer,
    `the server sends it encoded (Content-Encoding: ${/^[\w, -]{1,40}$/u.test(encoding) ? encoding : '…'}), whose ranges are not those of the object; turn compression off for these files`,
  );
}

/** A strong ETag; else when it was changed, with its size. A weak one (`W/`) may stay though bytes differ. */
function versionOf(answer: Answer, byteLength: number | undefined): string {
  const etag = answer.header('etag');
  if (etag !== undefined && /^"[\u0021\u0023-\u007e\u0080-\u00ff]*"$/u.test(etag)) return etag;
  return `${answer.header('last-modified') ?? ''}#${byteLength ?? ''}`;
}

/** Asks the server for that version alone; not every server listens, and so its answer is compared too. */
function conditionOf(version: string | undefined): Readonly<Record<string, string>> {
  if (version === undefined) return {};
  if (version.startsWith('"')) return { 'if-match': version };
  const modified = version.slice(0, version.lastIndexOf('#'));
  return modified === '' ? {} : { 'if-unmodified-since': modified };
}

/** @param what the class, for messages */
export function folderUrl(what: string, given: string | URL): string {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    // Not shown where there may be a password in it.
    const isPlain = (typeof given === 'string' || url !== undefined) && !/[@?#]/u.test(text);
    const got = isPlain
      ? describeValue(text)
      : typeof given === 'string'
        ? (url?.protocol ?? 'another text')
        : describeValue(given);
    throw invalidArgument(`${what} needs a URL of http or https, such as https://example.org/datasets, got ${got}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidArgument(
      `${what}: a URL with a user name or password ends up in logs; give ${url.origin}${url.pathname}, and headers: { authorization: … }`,
    );
  }
  if (url.search !== '' || url.hash !== '')
    throw invalidArgument(`${what}: ${url.origin}${url.pathname} must have no query and no fragment`);
  return `${url.origin}${url.pathname.replace(/\/*$/u, '/')}`;
}

function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lowered: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    try {
      lowered[name.toLowerCase()] = new Headers([[name, value]]).get(name) ?? '';
    } catch {
      throw invalidArgument(`HttpStore: ${JSON.stringify(name)} is no header, or its value (not shown) cannot be one`);
    }
  }
  return lowered;
}
