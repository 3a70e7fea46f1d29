import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { Storage } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { clientConfigOf, newBucket } from '../../packages/core/test/servers/moto-buckets.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
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

export async function inBucket(server: Server): Promise<Place> {
  const bucket = await newBucket(server);
  const clientConfig = clientConfigOf(server);
  const store = new S3Store({ bucket, clientConfig });
  return {
    spec: JSON.stringify({ bucket, clientConfig }),
    storage: new S3Storage({ bucket, clientConfig }),
    async everything() {
      const found: string[] = [];
      for await (const { key } of store.list('')) found.push(key);
      const client = new S3Client(clientConfig);
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      client.destroy();
      return [...found, ...Uploads.map(({ Key }) => `unfinished upload of ${Key}`)].sort();
    },
    read: async (key) => new TextDecoder().decode((await store.get(key, 2 ** 24))?.bytes),
    async stamp(key) {
      const info = await store.head(key);
      return `${info?.modifiedMs} ${info?.byteLength}`;
    },
  };
}
