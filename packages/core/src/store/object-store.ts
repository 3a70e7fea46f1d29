export interface IoOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectInfo {
  readonly key: string;
  readonly byteLength: number;
  /** When it was written, in ms since 1970, by the store's clock. */
  readonly modifiedMs: number;
}

export interface PutOptions extends IoOptions {
  /** Only when there is nothing under the key yet. */
  readonly ifAbsent?: boolean | undefined;
}

/** Random access to one object, which stays the same object though its key be written anew. */
export interface ObjectReader {
  readonly byteLength: number;
  /** Fills `into` from `position` on, whole or not at all. @throws DataRefError CORRUPT where the object ends before */
  read(into: Uint8Array, position: number): Promise<void>;
  /** The same without leaving the thread, where the store is a local disk. */
  readSync?(into: Uint8Array, position: number): void;
  close(): Promise<void>;
}

/** An object that is being written; nothing is visible under its key before `commit`. */
export interface ObjectWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Durable and visible once it resolves. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * Bytes by key. Keys are segments joined by `/`, each of [A-Za-z0-9._%-]. A miss is `undefined`; a failure throws
 * DISK_FULL or STORE_FAILED. What a put or a commit has acknowledged survives a crash.
 */
export interface ObjectStore {
  /** For messages: where this is. */
  readonly description: string;
  head(key: string, options?: IoOptions): Promise<ObjectInfo | undefined>;
  /** A whole object. @throws DataRefError CORRUPT when it is larger than `limitBytes` */
  get(key: string, limitBytes: number, options?: IoOptions): Promise<Uint8Array | undefined>;
  open(key: string, options?: IoOptions): Promise<ObjectReader | undefined>;
  /** Writes a whole object at once; false where `ifAbsent` was asked and something is there. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>;
  create(key: string, options?: IoOptions): Promise<ObjectWriter>;
  /** Every object below a prefix that ends in `/` (or is empty), in no certain order. */
  list(prefix: string, options?: IoOptions): AsyncIterable<ObjectInfo>;
  /** Names of the next segments below a prefix: folders, as one would say on a disk. */
  listFolders(prefix: string, options?: IoOptions): Promise<readonly string[]>;
  delete(key: string, options?: IoOptions): Promise<boolean>;
  /** Removes what killed writers left where no list shows it. @returns bytes freed */
  sweep(options?: IoOptions): Promise<number>;
}
