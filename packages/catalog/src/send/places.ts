import { DataRefError, type Storage } from '@dataref/core';
import { storeOf } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import type { GCSStorageOptions } from '@dataref/core/gcs';
import type { S3StorageOptions } from '@dataref/core/s3';

/** Where a storage is, for a worker that opens it again. What has credentials in it never leaves this process. */
export type Place =
  | { readonly kind: 'folder'; readonly directory: string }
  | { readonly kind: 's3'; readonly options: S3Options }
  | { readonly kind: 'gcs'; readonly options: GcsOptions };

/** As an S3Store's recipe has it. */
type S3Options = Pick<S3StorageOptions, 'bucket' | 'prefix' | 'clientConfig' | 'idleTimeoutMs'>;
/** As a GCSStore's recipe has it. */
interface GcsOptions extends Pick<GCSStorageOptions, 'bucket' | 'prefix' | 'idleTimeoutMs'> {
  readonly access: { readonly endpoint: string; readonly authorization?: Readonly<Record<string, string>> };
}

/**
 * Where a storage is, as it stands now.
 * @param isInProcess whether the place stays in this process, and so may have credentials that it holds
 * @throws DataRefError UNSUPPORTED for a storage that only its own process can open
 */
export async function placeOf(storage: Storage, isInProcess: boolean): Promise<Place> {
  if (storage instanceof FileStorage) return { kind: 'folder', directory: storage.directory };
  const recipe = await storeOf('send', storage).recipe?.();
  const { S3Storage, GCSStorage } = await buckets();
  if (recipe !== undefined && storage instanceof S3Storage) {
    const options = recipe.data as S3Options;
    if (isInProcess) return { kind: 's3', options };
    const { credentials: _, ...clientConfig } = options.clientConfig ?? {};
    return { kind: 's3', options: { ...options, clientConfig } };
  }
  if (recipe !== undefined && storage instanceof GCSStorage) {
    const options = recipe.data as GcsOptions;
    if (isInProcess) return { kind: 'gcs', options };
    return { kind: 'gcs', options: { ...options, access: { endpoint: options.access.endpoint } } };
  }
  throw new DataRefError(
    'UNSUPPORTED',
    'send: workers open the storage of the result themselves: give one that they can, a FileStorage, S3Storage or GCSStorage',
  );
}

/** Whether `placeOf` knows such storages. */
export async function isPlaceable(storage: Storage): Promise<boolean> {
  if (storage instanceof FileStorage) return true;
  const { S3Storage, GCSStorage } = await buckets();
  return storage instanceof S3Storage || storage instanceof GCSStorage;
}

async function buckets() {
  const { S3Storage } = await import('@dataref/core/s3');
  const { GCSStorage } = await import('@dataref/core/gcs');
  return { S3Storage, GCSStorage };
}

/** Records are read by position: each worker sees its own shares alone, and there may be many workers. */
const memoryLimitBytes = 0;

/** The storage of a place; where it names no credentials, by those that the worker's environment has. */
export async function openPlace(place: Place): Promise<Storage> {
  if (place.kind === 'folder') return new FileStorage(place.directory, { memoryLimitBytes });
  const { S3Storage, GCSStorage } = await buckets();
  if (place.kind === 's3') return new S3Storage({ ...place.options, memoryLimitBytes });
  const { access, ...options } = place.options;
  const { endpoint, authorization } = access;
  if (authorization === undefined)
    return new GCSStorage({ ...options, storageOptions: { apiEndpoint: endpoint }, memoryLimitBytes });
  const authClient = { getRequestHeaders: async () => authorization };
  const storage = { apiEndpoint: endpoint, customEndpoint: false, authClient };
  return new GCSStorage({ ...options, storage: storage as never, memoryLimitBytes });
}
