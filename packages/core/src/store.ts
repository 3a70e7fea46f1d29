// Stores of one's own, and what makes any store better. Runs in browsers too.
export { ObjectStorage, type ObjectStorageOptions } from './storage/object-storage.js';
export { withCoalescing, type CoalesceOptions } from './store/coalesce.js';
export { MemoryStore } from './store/memory-store.js';
export { withRetry, type RetryOptions } from './store/retry.js';
export type {
  ByteRange,
  ExpectedObject,
  Forecast,
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  OpenOptions,
  PutOptions,
  StoredObject,
} from './store/object-store.js';
