import { countOf, refuseUnknown } from '../arguments.js';
import { isDataRefError } from '../errors.js';
import { inAttempts, type AttemptLimits } from './attempts.js';
import { RetryingReader } from './retrying-reader.js';
import { RetryingWriter } from './retrying-writer.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectStore,
  OpenOptions,
  PutOptions,
  StoredObject,
  SweepOptions,
} from './object-store.js';

export interface RetryOptions {
  /** Attempts of one operation; reads and listings begin to count anew whenever they got further. Default: 10. */
  readonly attempts?: number | undefined;
  /**
   * Time in ms after which one operation is not tried again; reads and listings begin to count anew whenever they got
   * further. Default: 60,000.
   */
  readonly budgetMs?: number | undefined;
  /** The first wait is a random time up to so many ms; each further one up to twice as long. Default: 100. */
  readonly baseDelayMs?: number | undefined;
  /** Longest wait in ms, unless the store itself asks for a longer one. Default: 10,000. */
  readonly maxDelayMs?: number | undefined;
}

/**
 * A store that tries again what fails with `details.isTransient`: reads go on with the byte at which they were cut off,
 * listings give no key twice. When the limits are met, the last failure is thrown and says how often and how long was
 * tried. Two answers are better than the network lets them be known, and so differ from the wrapped store's:
 * - a conditional `put` whose condition does not hold is read back: what holds the very bytes that were to be written
 *   was written by an earlier attempt whose answer got lost. So bytes put conditionally should have a nonce in them.
 * - `delete` says true where an attempt failed and the next found nothing: most likely the first one deleted it.
 * @throws DataRefError INVALID_ARGUMENT for an unknown option or one out of its range
 */
export function withRetry(store: ObjectStore, options: RetryOptions = {}): ObjectStore {
  const { attempts = 10, budgetMs = 60_000, baseDelayMs = 100, maxDelayMs = 10_000, ...unknown } = options;
  refuseUnknown('withRetry', unknown, ['attempts', 'budgetMs', 'baseDelayMs', 'maxDelayMs']);
  return new RetryingStore(store, {
    attempts: countOf('withRetry: attempts', attempts, 1),
    budgetMs: countOf('withRetry: budgetMs', budgetMs, 0, 2 ** 31 - 1),
    baseDelayMs: countOf('withRetry: baseDelayMs', baseDelayMs, 0, 2 ** 31 - 1),
    maxDelayMs: countOf('withRetry: maxDelayMs', maxDelayMs, 0, 2 ** 31 - 1),
  });
}

class RetryingStore implements ObjectStore {
  readonly description: string;
  readonly follow?: NonNullable<ObjectStore['follow']>;
  /** Of the wrapped store: what asks again and again anyway, as one that keeps a lease, needs no retries. */
  readonly recipe?: NonNullable<ObjectStore['recipe']>;
  readonly #store: ObjectStore;
  readonly #limits: AttemptLimits;

  constructor(store: ObjectStore, limits: AttemptLimits) {
    this.description = store.description;
    if (store.follow !== undefined) this.follow = store.follow.bind(store);
    if (store.recipe !== undefined) this.recipe = store.recipe.bind(store);
    this.#store = store;
    this.#limits = limits;
  }

  head(key: string, options: IoOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#retry(options, () => this.#store.head(key, options));
  }

  get(key: string, limitBytes: number, options: IoOptions = {}): Promise<StoredObject | undefined> {
    return this.#retry(options, () => this.#store.get(key, limitBytes, options));
  }

  async open(key: string, options: OpenOptions = {}): Promise<RetryingReader | undefined> {
    const reader = await this.#retry(options, () => this.#store.open(key, options));
    return reader && new RetryingReader(reader, this.#limits);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const version = await this.#retry(options, () => this.#store.put(key, bytes, options));
    if (version !== undefined || (options.ifAbsent !== true && options.ifVersion === undefined)) return version;
    return this.#versionOf(key, bytes, options);
  }

  /** The version of what is stored where it is these very bytes. */
  async #versionOf(key: string, bytes: Uint8Array, options: IoOptions): Promise<string | undefined> {
    try {
      const held = await this.get(key, bytes.length, { signal: options.signal });
      return held !== undefined && isEqual(held.bytes, bytes) ? held.version : undefined;
    } catch (error) {
      if (isDataRefError(error, 'CORRUPT')) return undefined; // larger, and so not ours
      throw error;
    }
  }

  async create(key: string, options: IoOptions = {}): Promise<RetryingWriter> {
    const writer = await this.#retry(options, () => this.#store.create(key, options));
    return new RetryingWriter(writer, () => this.open(key, { signal: options.signal }), this.#limits, options.signal);
  }

  /** Begins anew after a failure, and leaves out what was given already. */
  async *list(prefix: string, options: IoOptions = {}): AsyncGenerator<ObjectInfo> {
    const given = new Set<string>();
    let listing: AsyncIterator<ObjectInfo> | undefined;
    try {
      for (;;) {
        const next = await this.#retry(options, async () => {
          try {
            listing ??= this.#store.list(prefix, options)[Symbol.asyncIterator]();
            for (;;) {
              const result = await listing.next();
              if (result.done === true || !given.has(result.value.key)) return result;
            }
          } catch (error) {
            listing = undefined;
            throw error;
          }
        });
        if (next.done === true) return;
        given.add(next.value.key);
        yield next.value;
      }
    } finally {
      await listing?.return?.();
    }
  }

  listFolders(prefix: string, options: IoOptions = {}): Promise<readonly string[]> {
    return this.#retry(options, () => this.#store.listFolders(prefix, options));
  }

  delete(key: string, options: Pick<PutOptions, 'signal' | 'ifVersion'> = {}): Promise<boolean> {
    const { ifVersion, signal } = options;
    return this.#retry(options, async (_, failures) => {
      if (await this.#store.delete(key, options)) return true;
      // An attempt that failed may have removed it.
      return failures > 0 && (ifVersion === undefined || (await this.#store.head(key, { signal })) === undefined);
    });
  }

  sweep(options: SweepOptions = {}): Promise<number> {
    return this.#retry(options, () => this.#store.sweep(options));
  }

  #retry<T>({ signal }: IoOptions, attempt: Parameters<typeof inAttempts<T>>[2]): Promise<T> {
    return inAttempts(this.#limits, signal, attempt);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
