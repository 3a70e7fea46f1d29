import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countOf, refuseUnknown } from '../../arguments.js';
import { invalidArgument } from '../../errors.js';
import { orAbort } from '../../or-abort.js';
import type {
  Forecast,
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  OpenOptions,
  PutOptions,
  StoredObject,
} from '../object-store.js';
import { CacheFolder } from './cache-folder.js';
import { CachedReader } from './cached-reader.js';
import { LocalCopies } from './local-copies.js';
import { SharedSource } from './shared-source.js';

export interface CacheOptions {
  /** Folder on a local disk, made when it is needed. Other processes may use it too, with limits of their own. */
  readonly directory: string | URL;
  /** All files of the cache together are never larger, in bytes. */
  readonly limitBytes: number;
  /**
   * - `'ranges'`: only the bytes that are asked for are read; nothing is cached.
   * - `'parts'`: the first read of an object waits until the whole of it is in the cache.
   * - `'auto'` (default): bytes are read at once, while the object is downloaded in the background.
   *
   * What has no room in the cache is read by ranges.
   */
  readonly read?: 'ranges' | 'parts' | 'auto' | undefined;
}

/** A store that reads from local copies where it can. */
export interface CachedStore extends ObjectStore {
  follow(forecast: Forecast): () => void;
  /** Ends all downloads and lets go of all files. What is read later comes from the wrapped store. Idempotent. */
  close(): Promise<void>;
}

/**
 * A store that keeps copies on a local disk of the objects whose size and CRC-32 are known when they are opened, and so
 * must never change. A copy is compared with both before it is used, and fetched anew when it is wrong. Copies are all
 * that it ever writes or removes: the wrapped store is changed by your own calls alone.
 * @throws DataRefError INVALID_ARGUMENT for an unknown option or one out of its range
 */
export function withCache(store: ObjectStore, options: CacheOptions): CachedStore {
  const { directory, limitBytes, read = 'auto', ...unknown } = options;
  refuseUnknown('withCache', unknown, ['directory', 'limitBytes', 'read']);
  if (!['ranges', 'parts', 'auto'].includes(read))
    throw invalidArgument(`withCache: read must be 'ranges', 'parts' or 'auto', got ${JSON.stringify(read)}`);
  const limit = countOf('withCache: limitBytes', limitBytes, 0);
  const folder = new CacheFolder(folderPath(directory), limit);
  return new CachingStore(store, new LocalCopies(store, folder), read);
}

export class CachingStore implements CachedStore {
  readonly description: string;
  readonly recipe?: NonNullable<ObjectStore['recipe']>;
  readonly #store: ObjectStore;
  readonly #copies: LocalCopies;
  readonly #read: 'ranges' | 'parts' | 'auto';

  constructor(store: ObjectStore, copies: LocalCopies, read: 'ranges' | 'parts' | 'auto') {
    this.description = store.description;
    if (store.recipe !== undefined) this.recipe = store.recipe.bind(store);
    this.#store = store;
    this.#copies = copies;
    this.#read = read;
  }

  async open(key: string, options: OpenOptions = {}): Promise<ObjectReader | undefined> {
    const { byteLength, crc32, signal } = options;
    if (byteLength === undefined || crc32 === undefined || !this.#caches(byteLength))
      return this.#store.open(key, options);
    signal?.throwIfAborted();
    const expected = { key, byteLength, crc32 };
    const object = this.#copies.object(expected);
    let reader: ObjectReader | undefined;
    object.hold();
    try {
      if ((await orAbort(object.open(), signal)) === undefined) {
        reader = await this.#store.open(key, options);
        // Of another size it is another object: whoever asked for it has to see that.
        if (reader?.byteLength !== byteLength) {
          await object.release();
          return reader;
        }
      }
    } catch (error) {
      await object.release();
      throw error;
    }
    const source = new SharedSource(() => this.#copies.openSource(expected), reader);
    return new CachedReader(this.#copies, object, source, this.#read === 'parts');
  }

  follow(forecast: Forecast): () => void {
    if (this.#read === 'ranges') return this.#store.follow?.(forecast) ?? (() => undefined);
    return this.#copies.follow(forecast);
  }

  head(key: string, options?: IoOptions): Promise<ObjectInfo | undefined> {
    return this.#store.head(key, options);
  }

  get(key: string, limitBytes: number, options?: IoOptions): Promise<StoredObject | undefined> {
    return this.#store.get(key, limitBytes, options);
  }

  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<string | undefined> {
    return this.#store.put(key, bytes, options);
  }

  create(key: string, options?: IoOptions): Promise<ObjectWriter> {
    return this.#store.create(key, options);
  }

  list(prefix: string, options?: IoOptions): AsyncIterable<ObjectInfo> {
    return this.#store.list(prefix, options);
  }

  listFolders(prefix: string, options?: IoOptions): Promise<readonly string[]> {
    return this.#store.listFolders(prefix, options);
  }

  delete(key: string, options?: Pick<PutOptions, 'signal' | 'ifVersion'>): Promise<boolean> {
    return this.#store.delete(key, options);
  }

  sweep(options?: IoOptions): Promise<number> {
    return this.#store.sweep(options);
  }

  /** Resolves when nothing is being downloaded, and forecasts name nothing that could be. */
  settled(): Promise<void> {
    return this.#copies.settled();
  }

  close(): Promise<void> {
    return this.#copies.close();
  }

  #caches(byteLength: number): boolean {
    if (this.#read === 'ranges' || this.#copies.isClosed) return false;
    return byteLength > 0 && byteLength <= this.#copies.folder.limitBytes;
  }
}

function folderPath(directory: string | URL): string {
  if (directory instanceof URL) return resolve(fileURLToPath(directory));
  if (typeof directory === 'string' && directory !== '') return resolve(directory);
  throw invalidArgument(`withCache needs a directory, got ${JSON.stringify(directory)}`);
}
