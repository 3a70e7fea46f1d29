// Datasets in buckets of S3, and of what is compatible with it. Needs the package @aws-sdk/client-s3.
import { DatasetStorage } from './storage/dataset-storage.js';
import { remoteRuntime } from './storage/remote-runtime.js';
import { type RemoteOptions, remoteParts } from './storage/remote-storage.js';
import type { Storage } from './storage/types.js';
import type { S3Place } from './store/s3-bucket.js';
import { S3Store } from './store/s3-store.js';

export { S3Store };
export type { S3Place, RemoteOptions };

export interface S3StorageOptions extends S3Place, RemoteOptions {}

/** Datasets in a bucket of S3, or of a store that is compatible with it. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-shadow -- the value below has all of Storage
export interface S3Storage extends Storage {
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
}

/** @throws DataRefError INVALID_ARGUMENT. The SDK is loaded by the first call that needs it (MISSING_PACKAGE) */
export const S3Storage: new (options: S3StorageOptions) => S3Storage = class extends DatasetStorage {
  readonly bucket: string;
  readonly prefix: string;

  constructor(options: S3StorageOptions) {
    const { bucket, prefix, client, clientConfig, idleTimeoutMs, ...remote } = Object(options) as S3StorageOptions;
    const store = new S3Store({ bucket, prefix, client, clientConfig, idleTimeoutMs });
    super(remoteParts('S3Storage', store, remote, remoteRuntime, ['bucket', 'prefix', 'client', 'clientConfig']));
    this.bucket = store.bucket;
    this.prefix = store.prefix;
  }
};
