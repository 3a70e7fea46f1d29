// Datasets that a server of files shows, for reading: in browsers too.
import { refuseUnknown } from './arguments.js';
import { DatasetStorage } from './storage/dataset-storage.js';
import { remoteParts } from './storage/remote-storage.js';
import type { Storage } from './storage/types.js';
import { webRuntime } from './storage/web-runtime.js';
import { folderUrl, HttpStore, type HttpStoreOptions, readOnly } from './store/http-store.js';

/** Options of other storages that are far away. */
const CURES = {
  cache: 'wrap the store, new ObjectStorage(withCache(withRetry(new HttpStore(url)), { directory, limitBytes }))',
  read: 'it says how a cache is used, and goes to withCache',
};

export { HttpStore };
export type { HttpStoreOptions };

export interface HttpStorageOptions extends HttpStoreOptions {
  /**
   * Memory for datasets that are held whole while they are streamed, over all datasets of this storage, in bytes. Default:
   * 512 MiB, and only for records of up to 16 KiB. 0 holds none: everything is read by position, but for up to 16 MiB of
   * a dataset's small values and offsets.
   */
  readonly memoryLimitBytes?: number | undefined;
}

/**
 * Datasets below a URL: the folder of a FileStorage, or the prefix of a bucket, behind any server that knows ranges. Only
 * reads: `fetch`, `has`, `info`, `verify`; what writes or lists is UNSUPPORTED.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-shadow -- the value below has all of Storage
export interface HttpStorage extends Storage {
  /** Ends in `/`. */
  readonly url: string;
}

/** @throws DataRefError INVALID_ARGUMENT for what is no URL of http or https, has credentials in it, or an unknown option */
export const HttpStorage: new (url: string | URL, options?: HttpStorageOptions) => HttpStorage =
  class extends DatasetStorage {
    readonly url: string;

    constructor(url: string | URL, options: HttpStorageOptions = {}) {
      const { headers, fetch, idleTimeoutMs, memoryLimitBytes, ...unknown } = options;
      refuseUnknown('HttpStorage', unknown, ['headers', 'fetch', 'idleTimeoutMs', 'memoryLimitBytes'], CURES);
      const store = new HttpStore(folderUrl('HttpStorage', url), { headers, fetch, idleTimeoutMs });
      super(remoteParts('HttpStorage', store, { memoryLimitBytes }, webRuntime()));
      this.url = store.description;
    }

    // The others end at the store; these two would ask it for a list first, and speak of that.
    override async submit(): Promise<never> {
      throw readOnly(this.url, 'submit');
    }

    override async vacuum(): Promise<never> {
      throw readOnly(this.url, 'vacuum');
    }
  };
