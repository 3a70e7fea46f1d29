import type { ObjectStore } from '../store/object-store.js';
import type { WriterIdentity } from './lease-record.js';

/** A cache on the local disk. */
export interface CacheOptions {
  /** Folder on a local disk, made when it is needed. Other processes may use it too. */
  readonly directory: string | URL;
  /** All files of the cache together are never larger, in bytes. */
  readonly limitBytes: number;
}

/** How the parts of a dataset are read from far away: see `RemoteOptions`. */
export type ReadMode = 'ranges' | 'parts' | 'auto';

/** What a storage needs of the machine that it runs on. */
export interface Runtime {
  readonly identity: WriterIdentity;
  /** 16 hexadecimal digits, never the same twice. */
  readonly nonce: () => string;
  /** Memory for datasets that are held whole, by default. */
  readonly memoryBytes: number;
  /** Undefined where there is no disk. */
  readonly withCache:
    ((store: ObjectStore, options: CacheOptions & { readonly read: ReadMode }) => ObjectStore) | undefined;
}
