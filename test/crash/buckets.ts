import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { S3Storage, S3Store } from '@dataref/core/s3';
import type { ObjectStore } from '@dataref/core/store';
import { newBucket as newGcsBucket, storageOptionsOf } from '../../packages/core/test/servers/gcs-buckets.js';
import { clientConfigOf, newBucket as newMotoBucket } from '../../packages/core/test/servers/moto-buckets.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
import { keysOf } from '../../packages/core/test/storage/stored.js';
import type { Place } from './place.js';

export async function inS3(server: Server): Promise<Place> {
  const bucket = await newMotoBucket(server);
  const clientConfig = clientConfigOf(server);
  const store = new S3Store({ bucket, clientConfig });
  return {
    spec: JSON.stringify({ bucket, clientConfig }),
    storage: new S3Storage({ bucket, clientConfig }),
    ...objectsOf(store),
    async everything() {
      const client = new S3Client(clientConfig);
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      client.destroy();
      return [...(await keysOf(store)), ...Uploads.map(({ Key }) => `unfinished upload of ${Key}`)].sort();
    },
  };
}

/** Unfinished uploads cannot be listed there; they are gone after a week. */
export async function inGcs(server: Server): Promise<Place> {
  const bucket = await newGcsBucket(server);
  const storageOptions = storageOptionsOf(server);
  const store = new GCSStore({ bucket, storageOptions });
  return {
    // As a client of these options would be: to load the SDK is a third of what such a process costs.
    spec: JSON.stringify({ bucket, storage: { apiEndpoint: server.endpoint, customEndpoint: true } }),
    storage: new GCSStorage({ bucket, storageOptions }),
    ...objectsOf(store),
    everything: () => keysOf(store),
  };
}

function objectsOf(store: ObjectStore): Pick<Place, 'read' | 'stamp'> {
  return {
    read: async (key) => new TextDecoder().decode((await store.get(key, 2 ** 24))?.bytes),
    async stamp(key) {
      const info = await store.head(key);
      return `${info?.modifiedMs} ${info?.byteLength}`;
    },
  };
}
