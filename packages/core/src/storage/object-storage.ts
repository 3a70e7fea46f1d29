import { optionsOf, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import type { ObjectStore } from '../store/object-store.js';
import { DatasetStorage } from './dataset-storage.js';
import { memoryBudget } from './memory-budget.js';
import type { Storage } from './types.js';
import { webRuntime } from './web-runtime.js';

const METHODS = ['head', 'get', 'open', 'put', 'create', 'list', 'listFolders', 'delete', 'sweep'] as const;

export interface ObjectStorageOptions {
  /**
   * Memory for datasets that are held whole while they are streamed, over all datasets of this storage. Default: 512 MiB,
   * and only for records of up to 16 KiB. 0 holds none: everything is read by position, but for up to 16 MiB of a
   * dataset's small values and offsets.
   */
  readonly memoryLimitBytes?: number | undefined;
  /** Compare each record's checksum on every positional read. Default true: nobody knows what lies between here and the store. */
  readonly verifyReads?: boolean | undefined;
}

/** Datasets in an object store of any kind, also in a browser. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-shadow -- the value below has all of Storage
export interface ObjectStorage extends Storage {
  readonly store: ObjectStore;
}

/**
 * @param store is taken as it is: wrap one that is far away, `withCoalescing(withRetry(store))`
 * @throws DataRefError INVALID_ARGUMENT for what is no store, or an unknown option
 */
export const ObjectStorage: new (store: ObjectStore, options?: ObjectStorageOptions) => ObjectStorage =
  class extends DatasetStorage {
    readonly store: ObjectStore;

    constructor(store: ObjectStore, options: ObjectStorageOptions = {}) {
      const { memoryLimitBytes, verifyReads = true, ...unknown } = optionsOf('ObjectStorage', options);
      refuseUnknown('ObjectStorage', unknown, ['memoryLimitBytes', 'verifyReads']);
      const missing = METHODS.filter((name) => typeof (Object(store) as Partial<ObjectStore>)[name] !== 'function');
      if (missing.length > 0)
        throw invalidArgument(`ObjectStorage needs an ObjectStore; what was given has no ${missing.join(', no ')}`);
      const { identity, nonce, memoryBytes } = webRuntime();
      super({
        store,
        identity,
        ...memoryBudget('ObjectStorage', memoryLimitBytes, memoryBytes),
        verifyReads,
        nonce,
      });
      this.store = store;
    }
  };
