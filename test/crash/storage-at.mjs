import { FileStorage } from '@dataref/core/fs';
import { GCSStorage } from '@dataref/core/gcs';
import { S3Storage } from '@dataref/core/s3';

/** The storage of a place, which is JSON: { directory }, { bucket, clientConfig } of S3, or { bucket, storage } of GCS. */
export function storageAt(place, options = {}) {
  const where = { ...JSON.parse(place), ...options };
  if ('directory' in where) return new FileStorage(where.directory, options);
  return 'clientConfig' in where ? new S3Storage(where) : new GCSStorage(where);
}
