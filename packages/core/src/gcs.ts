// Datasets in buckets of Google Cloud Storage. Needs the package @google-cloud/storage.
import { DatasetStorage } from './storage/dataset-storage.js';
import { remoteRuntime } from './storage/remote-runtime.js';
import { type RemoteOptions, remoteParts } from './storage/remote-storage.js';
import type { Storage } from './storage/types.js';
import { GCSStore, type GCSStoreOptions } from './store/gcs-store.js';

export { GCSStore };
export type { GCSStoreOptions, RemoteOptions };

export interface GCSStorageOptions extends GCSStoreOptions, RemoteOptions {}

/** Datasets in a bucket of Google Cloud Storage. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-shadow -- the value below has all of Storage
export interface GCSStorage extends Storage {
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
}

/** @throws DataRefError INVALID_ARGUMENT. The SDK is loaded by the first call that needs it (MISSING_PACKAGE) */
export const GCSStorage: new (options: GCSStorageOptions) => GCSStorage = class extends DatasetStorage {
  readonly bucket: string;
  readonly prefix: string;

  constructor(options: GCSStorageOptions) {
    const { bucket, prefix, storage, storageOptions, idleTimeoutMs, ...remote } = Object(options) as GCSStorageOptions;
    const store = new GCSStore({ bucket, prefix, storage, storageOptions, idleTimeoutMs });
    super(remoteParts('GCSStorage', store, remote, remoteRuntime, ['bucket', 'prefix', 'storage', 'storageOptions']));
    this.bucket = store.bucket;
    this.prefix = store.prefix;
  }
};
