import { countOf, refuseUnknown } from '../arguments.js';
import { checkKey, isKey } from './key.js';
import { folderNames, listPages } from './listing.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  OpenOptions,
  PutOptions,
  StoredObject,
  SweepOptions,
  StoreRecipe,
} from './object-store.js';
import { checkPrefix } from './prefix.js';
import { checkPut } from './put-conditions.js';
import { rangedReader } from './ranged-reader.js';
import { type S3Place, S3Bucket, s3Body } from './s3-bucket.js';
import { hasStatus, isMissing } from './s3-errors.js';
import { cloneableClient } from './s3-recipe.js';
import { sweepUploads } from './s3-uploads.js';
import { S3Writer } from './s3-writer.js';
import { generationGone, otherSize, wrongAnswer } from './store-errors.js';
import { readWhole } from './whole-object.js';

/** An object as HEAD tells of it. */
interface HeadFacts extends ObjectInfo {
  readonly version: string;
}

/** What a recipe of an S3Store is made with. */
export function openStore(place: unknown): S3Store {
  return new S3Store(place as S3Place);
}

/**
 * An ObjectStore in a bucket of S3, or of a store that is compatible with it. Plain: one attempt a call, see `withRetry`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
export class S3Store implements ObjectStore {
  readonly description: string;
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  readonly #bucket: S3Bucket;
  /** Entries of one page of a listing. */
  readonly #pageSize: number;

  /** @param internals for tests @throws DataRefError INVALID_ARGUMENT */
  constructor(place: S3Place, internals: { readonly pageSize?: number } = {}) {
    const { bucket, prefix = '', client, clientConfig, idleTimeoutMs, ...unknown } = Object(place) as S3Place;
    refuseUnknown('S3Store', unknown, ['bucket', 'prefix', 'client', 'clientConfig', 'idleTimeoutMs']);
    if (idleTimeoutMs !== undefined) countOf('S3Store: idleTimeoutMs', idleTimeoutMs, 1, 2 ** 31 - 1);
    this.bucket = bucket;
    this.prefix = checkPrefix('S3Store', prefix);
    this.#bucket = new S3Bucket({ bucket, client, clientConfig, idleTimeoutMs }, this.prefix);
    this.description = this.#bucket.description;
    this.#pageSize = internals.pageSize ?? 1000;
  }

  /** Has the credentials of now in it. @throws DataRefError STORE_FAILED where the SDK finds none */
  async recipe(): Promise<StoreRecipe> {
    const { signal } = new AbortController();
    const { bucket, prefix } = this;
    return this.#bucket.attempt('', 'looking for credentials', signal, async ({ client }) => {
      const { clientConfig, validMs } = await cloneableClient(client);
      const data = { bucket, prefix, clientConfig, idleTimeoutMs: this.#bucket.idleTimeoutMs };
      return { module: import.meta.url, data, validMs };
    });
  }

  async head(key: string, options: IoOptions = {}): Promise<ObjectInfo | undefined> {
    const facts = await this.#head(key, options);
    return facts && { key, byteLength: facts.byteLength, modifiedMs: facts.modifiedMs };
  }

  async get(key: string, limitBytes: number, { signal }: IoOptions = {}): Promise<StoredObject | undefined> {
    const name = this.#name(key);
    const { idleTimeoutMs } = this.#bucket;
    const fetchWhole = (abort: AbortSignal) =>
      this.#bucket.attempt(key, 'reading', abort, async ({ sdk, send, bucket }) => {
        try {
          const got = await send(new sdk.GetObjectCommand({ Bucket: bucket, Key: name }));
          const body = s3Body(got.Body);
          if (got.ETag !== undefined) return { byteLength: got.ContentLength, version: got.ETag, body };
          body.cancel();
          throw wrongAnswer(key, 'an ETag', 'none');
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      });
    return readWhole({ key, limitBytes, signal, fetchWhole, idleTimeoutMs });
  }

  async open(key: string, options: OpenOptions = {}): Promise<ObjectReader | undefined> {
    checkKey(key);
    options.signal?.throwIfAborted();
    const { byteLength } = options;
    if (byteLength !== undefined) return this.#reader(key, byteLength);
    const facts = await this.#head(key, options);
    return facts && this.#reader(key, facts.byteLength, facts.version);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const name = this.#name(key);
    const { signal, ifAbsent, ifVersion } = checkPut(options);
    return this.#bucket.ask(key, 'writing', { signal, uploadBytes: bytes.length }, async ({ sdk, send, bucket }) => {
      const condition = {
        ...(ifAbsent === true && { IfNoneMatch: '*' }),
        ...(ifVersion !== undefined && { IfMatch: ifVersion }),
      };
      try {
        const command = new sdk.PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, ...condition });
        const { ETag } = await send(command);
        if (ETag === undefined) throw wrongAnswer(key, 'an ETag', 'none');
        return ETag;
      } catch (error) {
        if (hasStatus(error, 412) || (ifVersion !== undefined && isMissing(error))) return undefined;
        throw error;
      }
    });
  }

  async create(key: string, { signal }: IoOptions = {}): Promise<ObjectWriter> {
    const name = this.#name(key);
    signal?.throwIfAborted();
    return new S3Writer(this.#bucket, key, name, signal, async (bytes) => {
      await this.put(key, bytes, { signal });
    });
  }

  async *list(prefix: string, options: IoOptions = {}): AsyncGenerator<ObjectInfo> {
    for await (const { objects } of this.#pages(prefix, undefined, options)) {
      for (const { Key = '', Size, LastModified } of objects) {
        const key = this.#keyOf(Key, prefix);
        if (key !== undefined && Size !== undefined)
          yield { key, byteLength: Size, modifiedMs: LastModified?.getTime() ?? 0 };
      }
    }
  }

  async listFolders(prefix: string, options: IoOptions = {}): Promise<readonly string[]> {
    return folderNames(`${this.description}${prefix}`, this.#pages(prefix, '/', options), ({ prefixes }) =>
      prefixes.flatMap(({ Prefix = '' }) => {
        const key = Prefix.endsWith('/') ? this.#keyOf(Prefix.slice(0, -1), prefix) : undefined;
        return key === undefined ? [] : [key.slice(prefix.length)];
      }),
    );
  }

  /** Servers that know no condition on a delete ignore it, or answer 501: there, the look before it is all. */
  async delete(key: string, { signal, ifVersion }: Pick<PutOptions, 'signal' | 'ifVersion'> = {}): Promise<boolean> {
    const object = { Key: this.#name(key) };
    const facts = await this.#head(key, { signal });
    if (facts === undefined || (ifVersion !== undefined && facts.version !== ifVersion)) return false;
    return this.#bucket.ask(key, 'deleting', { signal }, async ({ sdk, send, bucket: Bucket }) => {
      const condition = ifVersion !== undefined && { IfMatch: ifVersion };
      try {
        await send(new sdk.DeleteObjectCommand({ Bucket, ...object, ...condition }));
      } catch (error) {
        if (condition === false || !hasStatus(error, 404, 412, 501)) throw error;
        if (!hasStatus(error, 501)) return false;
        await send(new sdk.DeleteObjectCommand({ Bucket, ...object }));
      }
      return true;
    });
  }

  /** Ends uploads of parts of datasets that were begun more than 24 hours ago. */
  async sweep(options: SweepOptions = {}): Promise<number> {
    return sweepUploads(this.#bucket, this.prefix, options);
  }

  async #head(key: string, { signal }: IoOptions): Promise<HeadFacts | undefined> {
    const name = this.#name(key);
    const facts = await this.#bucket.ask(key, 'looking for', { signal }, async ({ sdk, send, bucket }) => {
      try {
        return await send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: name }));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
    if (facts === undefined) {
      await this.#bucket.requireBucket({ signal });
      return undefined;
    }
    const { ContentLength: byteLength, ETag: version, LastModified } = facts;
    if (byteLength === undefined || version === undefined) throw wrongAnswer(key, 'a length and an ETag', 'neither');
    return { key, byteLength, version, modifiedMs: LastModified?.getTime() ?? 0 };
  }

  #reader(key: string, byteLength: number, version?: string): ObjectReader {
    const name = this.#name(key);
    return rangedReader({
      key,
      byteLength,
      version,
      idleTimeoutMs: this.#bucket.idleTimeoutMs,
      fetchRange: ({ start, end, version: pinned, signal }) =>
        this.#bucket.attempt(key, 'reading', signal, async ({ sdk, send, bucket }) => {
          try {
            const Range = `bytes=${start}-${end - 1}`;
            const condition = pinned === undefined ? {} : { IfMatch: pinned };
            const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: name, Range, ...condition });
            const { $metadata, ContentRange: contentRange, ETag, Body } = await send(command);
            return { status: $metadata.httpStatusCode ?? 0, contentRange, version: ETag, body: s3Body(Body) };
          } catch (error) {
            if (isMissing(error) || hasStatus(error, 412)) throw generationGone(key);
            if (hasStatus(error, 416)) throw otherSize(key, start, byteLength);
            throw error;
          }
        }),
    });
  }

  async *#pages(prefix: string, delimiter: '/' | undefined, options: IoOptions) {
    const where = `${this.description}${prefix}`;
    yield* listPages(where, (token) =>
      this.#bucket.ask(prefix, 'listing', options, async ({ sdk, send, bucket }) => {
        const page = await send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: this.prefix + prefix,
            MaxKeys: this.#pageSize,
            ...(delimiter !== undefined && { Delimiter: delimiter }),
            ...(token !== undefined && { ContinuationToken: token }),
          }),
        );
        const objects = page.Contents ?? [];
        const prefixes = page.CommonPrefixes ?? [];
        const names = [...objects.map(({ Key }) => Key ?? ''), ...prefixes.map(({ Prefix }) => Prefix ?? '')];
        const nextToken = page.IsTruncated === true ? (page.NextContinuationToken ?? '') : undefined;
        return { objects, prefixes, names, nextToken };
      }),
    );
  }

  #name(key: string): string {
    return this.prefix + checkKey(key);
  }

  /** The key that a name in the bucket stands for; undefined for what is not below the prefix, or no key of ours. */
  #keyOf(name: string, prefix: string): string | undefined {
    if (!name.startsWith(this.prefix + prefix)) return undefined;
    const key = name.slice(this.prefix.length);
    return isKey(key) ? key : undefined;
  }
}
