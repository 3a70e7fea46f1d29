export interface IoOptions {
  /** One that is aborted before a call ends it with its reason; one that is aborted meanwhile should do so soon. */
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectInfo {
  readonly key: string;
  readonly byteLength: number;
  /** When it was written, in ms since 1970, by the store's clock. */
  readonly modifiedMs: number;
}

/** A small object as it was at one moment. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Names this content: an ETag, a generation, a hash. Opaque: only `ifVersion` of `put` and `delete` takes it. */
  readonly version: string;
}

export interface PutOptions extends IoOptions {
  /** Only where there is nothing under the key yet. */
  readonly ifAbsent?: boolean | undefined;
  /** Only where the key still has this version. */
  readonly ifVersion?: string | undefined;
  /**
   * Not between the comparison and the write of a put on a condition, where the store does not do both at once: a put
   * without it may be overwritten by one that never saw it. Says nothing where there is a condition.
   */
  readonly inTurn?: boolean | undefined;
}

export interface OpenOptions extends IoOptions {
  /** The object's size, where the caller knows it: then a remote store asks nothing before the first read. */
  readonly byteLength?: number | undefined;
  /** CRC-32 of the whole object, where the caller knows it: what a cache holds its copy against. */
  readonly crc32?: number | undefined;
}

/** Bytes to be read: as many as `into` holds, from `position` of the object on. */
export interface ByteRange {
  readonly position: number;
  readonly into: Uint8Array;
}

/**
 * Random access to one object, which stays the same object though its key be written anew: a reader that cannot go on
 * reading that one says so (GENERATION_GONE).
 */
export interface ObjectReader {
  readonly byteLength: number;
  /**
   * Fills `into` from `position` on, whole or not at all. A transient failure in the midst of it says how many bytes from
   * its start are right all the same (`details.filledBytes`), and the next read may go on there.
   * @throws DataRefError CORRUPT where the object ends before, or has another size than was said when it was opened;
   *   GENERATION_GONE where it was deleted or written anew; STORE_FAILED, TIMEOUT
   */
  read(into: Uint8Array, position: number, options?: IoOptions): Promise<void>;
  /** Fills several ranges, in any order. @throws DataRefError as `read` does; then any of them may be filled */
  readRanges(ranges: readonly ByteRange[], options?: IoOptions): Promise<void>;
  /** `read` without leaving the thread, where the store is a local disk. */
  readonly readSync?: ((into: Uint8Array, position: number) => void) | undefined;
  /**
   * Where reads come from a copy of the object: compares the whole copy with what the object is known to be, after what
   * was read from it proved wrong. True when the copy was wrong or is gone, so that the same read comes from the object
   * itself now.
   */
  recheck?(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * An object that is being written; nothing is visible under its key before `commit`. A step that fails with what may pass
 * (`details.isTransient`) can be repeated with the same bytes, which are written once; a writer that cannot do that fails
 * for good.
 */
export interface ObjectWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Durable and visible once it resolves. */
  commit(): Promise<void>;
  /** Leaves nothing behind. Idempotent, and harmless after a commit. */
  abort(): Promise<void>;
}

/** An object that will be read. */
export interface ExpectedObject {
  readonly key: string;
  readonly byteLength: number;
  readonly crc32: number;
}

export interface SweepOptions extends IoOptions {
  /** Whether whoever began to write an object has ended. Where it is not given, only time tells. */
  readonly isAbandoned?: ((key: string) => Promise<boolean>) | undefined;
}

/** What a reader will need of a store, as far as it knows. */
export interface Forecast {
  /** Objects by when each is needed next, soonest first, each once. Asked anew whenever something is to be decided. */
  upcoming(): Iterable<ExpectedObject>;
  /** Whose it is. The next forecast of the same reader is of reads in the same manner: those of the next epoch. */
  readonly reader?: object | undefined;
}

/** How another thread of this process makes a store that reads and writes the same. */
export interface StoreRecipe {
  /** URL of a module that exports `openStore(data): ObjectStore`. */
  readonly module: string;
  /** What a structured clone carries over. It may hold credentials: it goes to a thread, and nowhere else. */
  readonly data: unknown;
  /** A new recipe is asked for after so long: credentials expire. */
  readonly validMs?: number | undefined;
}

/**
 * Bytes by key. Keys are segments joined by `/`, each of [A-Za-z0-9._%-]. A miss is `undefined`; a failure throws
 * DISK_FULL, STORE_FAILED or TIMEOUT, and one that may pass has `details.isTransient`. What a put or a commit has
 * acknowledged survives a crash, and is seen by everybody from then on.
 */
export interface ObjectStore {
  /** For messages: where this is. Has no secrets in it. */
  readonly description: string;
  head(key: string, options?: IoOptions): Promise<ObjectInfo | undefined>;
  /** A whole object. @throws DataRefError CORRUPT when it is larger than `limitBytes`, of which no more are read */
  get(key: string, limitBytes: number, options?: IoOptions): Promise<StoredObject | undefined>;
  /** Undefined where there is no such object; where `byteLength` was given, reading may be what tells (GENERATION_GONE). */
  open(key: string, options?: OpenOptions): Promise<ObjectReader | undefined>;
  /** Writes a whole object at once. @returns its version; undefined where the condition did not hold, and nothing was written */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<string | undefined>;
  /** For large objects: written piece by piece, in bounded memory. */
  create(key: string, options?: IoOptions): Promise<ObjectWriter>;
  /** Every object below a prefix that ends in `/` (or is empty), in no certain order, page by page. */
  list(prefix: string, options?: IoOptions): AsyncIterable<ObjectInfo>;
  /** Names of the next segments below a prefix: folders, as one would say on a disk. */
  listFolders(prefix: string, options?: IoOptions): Promise<readonly string[]>;
  /**
   * @param options with `ifVersion`, only while it has this version; a store that cannot compare and delete at once looks before
   * @returns false where there is no such object, or it is another version
   */
  delete(key: string, options?: Pick<PutOptions, 'signal' | 'ifVersion'>): Promise<boolean>;
  /** Tells a store that keeps copies what comes next, until the returned function is called. Others have no such method. */
  follow?(forecast: Forecast): () => void;
  /**
   * What lets a worker thread keep leases alive while this thread is busy. Without it, they are kept alive from this
   * thread, and a thread that is blocked for longer than a lease (60 s) loses it.
   */
  recipe?(): StoreRecipe | Promise<StoreRecipe>;
  /** Removes what killed writers left where no list shows it. @returns bytes freed */
  sweep(options?: SweepOptions): Promise<number>;
}
