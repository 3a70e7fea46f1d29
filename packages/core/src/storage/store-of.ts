import { invalidArgument } from '../errors.js';
import { describeValue } from '../schema/ndarray.js';
import type { ObjectStore } from '../store/object-store.js';
import { DatasetStorage } from './dataset-storage.js';
import type { StorageParts } from './storage-parts.js';

/**
 * The store in which a storage keeps its datasets, with the retries that the storage has: for what lies beside them.
 * @param what the call, for messages
 * @throws DataRefError INVALID_ARGUMENT for what is no storage, and one of the user's own that is not made over a store
 */
export function storeOf(what: string, storage: unknown): ObjectStore {
  return partsOf(what, storage).store;
}

/** The same with what tells its writers apart: for what is built once over all that share it. @throws as `storeOf` */
export function partsOf(what: string, storage: unknown): StorageParts {
  const parts = typeof storage === 'object' && storage !== null ? DatasetStorage.partsOf(storage) : undefined;
  if (parts !== undefined) return parts;
  throw invalidArgument(
    `${what} needs a storage, such as new FileStorage('./data') or new ObjectStorage(store), got ${describeValue(storage)}`,
  );
}
