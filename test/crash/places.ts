import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { Storage } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { S3Storage, S3Store } from '@dataref/core/s3';
import type { ObjectStore } from '@dataref/core/store';
import { newBucket as newGcsBucket, storageOptionsOf } from '../../packages/core/test/servers/gcs-buckets.js';
import { clientConfigOf, newBucket as newMotoBucket } from '../../packages/core/test/servers/moto-buckets.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
import { keysOf } from '../../packages/core/test/storage/stored.js';
import { listing, tempFolder } from './process.js';

/** Where datasets are written by processes that are killed. */
export interface Place {
  /** For other processes. */
  readonly spec: string;
  readonly storage: Storage;
  /** Every file or object, and whatever else lies there. */
  everything(): Promise<string[]>;
  read(key: string): Promise<string>;
  /** What changes when a file is written anew. */
  stamp(key: string): Promise<string>;
}

export async function onDisk(): Promise<Place> {
  const directory = tempFolder();
  return {
    spec: JSON.stringify({ directory }),
    storage: new FileStorage(directory),
    everything: async () => listing(directory),
    read: async (key) => readFileSync(join(directory, key), 'utf8'),
    async stamp(key) {
      const { ino, mtimeMs, size } = statSync(join(directory, key));
      return `${ino} ${mtimeMs} ${size}`;
    },
  };
}

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
