import type { Storage, StorageOptions } from '@google-cloud/storage';
import { countOf, describeValue, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import { refused, untrusted } from './answer-errors.js';
import { type Answer, gather } from './fetch-answer.js';
import { connect } from './gcs-client.js';
import { infoOf, listNextSegments, listObjects } from './gcs-listing.js';
import { type GcsAccess, GcsRequests, jsonOf, refusedFor } from './gcs-requests.js';
import { GcsUpload } from './gcs-upload.js';
import { IDLE_TIMEOUT_MS } from './idle-watch.js';
import { checkKey, isKey } from './key.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  OpenOptions,
  PutOptions,
  StoredObject,
  StoreRecipe,
} from './object-store.js';
import { checkPrefix } from './prefix.js';
import { checkPut } from './put-conditions.js';
import { rangedReader, type RangeAnswer, type RangeRequest } from './ranged-reader.js';
import { generationGone, tooLarge, truncated } from './store-errors.js';

/** The SDK renews a token five minutes before it expires. */
const ACCESS_VALID_MS = 4 * 60_000;
/** How versions are called. */
const GENERATION = /^\d{1,20}$/u;

export interface GCSStoreOptions {
  readonly bucket: string;
  /** Everything is kept below it: `team/datasets`. Default: the whole bucket. */
  readonly prefix?: string | undefined;
  /** A client of `@google-cloud/storage`, for its endpoint and credentials. Or `storageOptions`. */
  readonly storage?: Storage | undefined;
  /** Options of the client to be made. Default: the SDK's own chain of credentials. */
  readonly storageOptions?: StorageOptions | undefined;
  /** An attempt ends after so many ms without news from the server, or four times as long with less than 16 KiB. Default: 30,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What a recipe of a GCSStore is made with. */
interface Ingredients extends Pick<GCSStoreOptions, 'bucket' | 'prefix' | 'idleTimeoutMs'> {
  readonly access: GcsAccess;
}

/** Makes the store of a recipe, which needs no SDK any more. */
export function openStore(data: unknown): GCSStore {
  const { access, ...options } = data as Ingredients;
  const authClient = { getRequestHeaders: async () => access.authorization };
  const storage = { apiEndpoint: access.endpoint, customEndpoint: false, authClient } as unknown as Storage;
  return new GCSStore({ ...options, storage });
}

/**
 * Objects of a bucket of Google Cloud Storage, whose generations are the versions. One attempt a call: `withRetry` tries again.
 * @see https://cloud.google.com/storage/docs/request-preconditions
 */
export class GCSStore implements ObjectStore {
  readonly description: string;
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  readonly #requests: GcsRequests;
  readonly #idleTimeoutMs: number | undefined;

  /** @throws DataRefError INVALID_ARGUMENT; MISSING_PACKAGE by the first call of a method, where the SDK is not installed */
  constructor(options: GCSStoreOptions) {
    const {
      bucket,
      prefix = '',
      storage,
      storageOptions,
      idleTimeoutMs,
      ...unknown
    } = Object(options) as GCSStoreOptions;
    refuseUnknown('GCSStore', unknown, ['bucket', 'prefix', 'storage', 'storageOptions', 'idleTimeoutMs']);
    if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9._-]{1,221}$/u.test(bucket))
      throw invalidArgument(
        `GCSStore: ${describeValue(bucket)} is no name of a bucket, which has 3 to 222 lowercase letters, digits, dots, dashes and underscores, and begins with a letter or digit`,
      );
    if (storage !== undefined && storageOptions !== undefined)
      throw invalidArgument('GCSStore: storage and storageOptions exclude each other');
    this.bucket = bucket;
    this.prefix = checkPrefix('GCSStore', prefix);
    this.#idleTimeoutMs =
      idleTimeoutMs === undefined ? undefined : countOf('GCSStore: idleTimeoutMs', idleTimeoutMs, 1, 2 ** 31 - 1);
    this.#requests = new GcsRequests(bucket, () => connect(storage, storageOptions), this.#idleTimeoutMs);
    this.description = this.#requests.address(this.prefix);
  }

  async head(key: string, options: IoOptions = {}): Promise<ObjectInfo | undefined> {
    const found = await this.#stat(key, options);
    return found && { key, byteLength: found.byteLength, modifiedMs: found.modifiedMs };
  }

  async get(key: string, limitBytes: number, options: IoOptions = {}): Promise<StoredObject | undefined> {
    const path = `${this.#requests.path(this.#name(key))}?alt=media`;
    const request = { method: 'GET', path, headers: { 'accept-encoding': 'identity' } } as const;
    return this.#requests.ask(key, 'reading it', options, request, async (answer, watch) => {
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw await refusedFor(key, 'reading it', answer, watch);
      const version = generationOf(key, answer);
      const byteLength = Number(answer.header('content-length') ?? 0);
      if (byteLength > limitBytes) throw tooLarge(key, byteLength, limitBytes);
      const bytes = await gather(key, answer.body, limitBytes, watch);
      if (bytes === undefined) throw tooLarge(key, limitBytes + 1, limitBytes);
      return { bytes, version };
    });
  }

  async open(key: string, { byteLength, signal }: OpenOptions = {}): Promise<ObjectReader | undefined> {
    const name = this.#name(key);
    if (byteLength !== undefined) return this.#reader(key, name, byteLength, undefined);
    const found = await this.#stat(key, { signal });
    return found && this.#reader(key, name, found.byteLength, found.generation);
  }

  async #stat(key: string, options: IoOptions) {
    const path = `${this.#requests.path(this.#name(key))}?fields=size,updated,generation`;
    return this.#requests.ask(key, 'asking for its size', options, { method: 'GET', path }, async (answer, watch) => {
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw await refusedFor(key, 'asking for its size', answer, watch);
      const found = await jsonOf(key, answer, watch);
      const info = infoOf({ name: key, ...found });
      const { generation } = found;
      if (info !== undefined && typeof generation === 'string') return { ...info, generation };
      throw untrusted(key, 'asking for its size', answer, 'the server named no size or no generation');
    });
  }

  #reader(key: string, name: string, byteLength: number, version: string | undefined): ObjectReader {
    const fetchRange = async (request: RangeRequest): Promise<RangeAnswer> => {
      const { start, end, signal } = request;
      const pin = request.version === undefined ? '' : `&generation=${request.version}`;
      const path = `${this.#requests.path(name)}?alt=media${pin}`;
      const headers = { 'accept-encoding': 'identity', range: `bytes=${start}-${end - 1}` };
      const answer = await this.#requests.answer(key, 'reading it', { method: 'GET', path, headers }, signal);
      const { status, body } = answer;
      if (status === 200 || status === 206) {
        const [contentRange, generation] = [answer.header('content-range'), answer.header('x-goog-generation')];
        return { status, contentRange, version: generation, body };
      }
      body.cancel();
      if (status === 404 || status === 412) throw generationGone(key);
      if (status === 416) throw truncated(key, end, start);
      throw refused(key, 'reading it', answer);
    };
    return rangedReader({ key, byteLength, version, fetchRange, idleTimeoutMs: this.#idleTimeoutMs });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const { ifAbsent, ifVersion, signal } = checkPut(options);
    const name = this.#name(key);
    if (ifVersion !== undefined && !GENERATION.test(ifVersion)) return undefined;
    const ifGeneration = ifAbsent === true ? '0' : ifVersion;
    return (await this.#requests.put(key, name, bytes, { signal, ifGeneration }))?.generation;
  }

  async create(key: string, { signal }: IoOptions = {}): Promise<ObjectWriter> {
    const name = this.#name(key);
    signal?.throwIfAborted();
    return new GcsUpload(this.#requests, key, name, { signal });
  }

  async *list(prefix: string, options: IoOptions = {}): AsyncGenerator<ObjectInfo> {
    const root = this.prefix;
    for await (const { name, byteLength, modifiedMs } of listObjects(this.#requests, root + prefix, options)) {
      const key = name.slice(root.length);
      if (name.startsWith(root + prefix) && isKey(key)) yield { key, byteLength, modifiedMs };
    }
  }

  async listFolders(prefix: string, options: IoOptions = {}): Promise<readonly string[]> {
    return (await listNextSegments(this.#requests, this.prefix + prefix, options)).filter(isKey);
  }

  async delete(key: string, { signal, ifVersion }: Pick<PutOptions, 'signal' | 'ifVersion'> = {}): Promise<boolean> {
    const name = this.#name(key);
    if (ifVersion !== undefined) {
      if (!GENERATION.test(ifVersion)) return false;
      // Google's servers compare; others that speak like them may not.
      if ((await this.#stat(key, { signal }))?.generation !== ifVersion) return false;
    }
    return this.#requests.remove(key, name, ifVersion, { signal });
  }

  async recipe(): Promise<StoreRecipe> {
    const access = await this.#requests.access('', AbortSignal.timeout(this.#idleTimeoutMs ?? IDLE_TIMEOUT_MS));
    const data: Ingredients = { bucket: this.bucket, prefix: this.prefix, idleTimeoutMs: this.#idleTimeoutMs, access };
    return { module: import.meta.url, data, validMs: ACCESS_VALID_MS };
  }

  /** Uploads that nobody ends are gone after a week by themselves. */
  async sweep(): Promise<number> {
    return 0;
  }

  #name(key: string): string {
    return this.prefix + checkKey(key);
  }
}

function generationOf(key: string, answer: Answer): string {
  const generation = answer.header('x-goog-generation');
  if (generation !== undefined && /^\d{1,20}$/u.test(generation)) return generation;
  throw untrusted(key, 'reading it', answer, 'the server named no generation (x-goog-generation)');
}
