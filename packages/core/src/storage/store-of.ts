import { invalidArgument } from '../errors.js';
import { describeValue } from '../schema/ndarray.js';
import type { ObjectStore } from '../store/object-store.js';
import { DatasetStorage } from './dataset-storage.js';

/**
 * The store in which a storage keeps its datasets, with the retries that the storage has: for what lies beside them.
 * @param what the call, for messages
 * @throws DataRefError INVALID_ARGUMENT for what is no storage, and one of the user's own that is not made over a store
 */
export function storeOf(what: string, storage: unknown): ObjectStore {
  const store = typeof storage === 'object' && storage !== null ? DatasetStorage.storeOf(storage) : undefined;
  if (store !== undefined) return store;
  throw invalidArgument(
    `${what} needs a storage, such as new FileStorage('./data') or new ObjectStorage(store), got ${describeValue(storage)}`,
  );
}
