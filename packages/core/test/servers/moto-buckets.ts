import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Server } from './servers.js';

export const ACCESS_KEY = 'AKIATESTACCESSKEY0001';
export const SECRET_KEY = 'test-secret-7f3a9c/never+shown=';

/** What reaches a server as one reaches a store that is compatible with S3. */
export function clientConfigOf({ endpoint }: Pick<Server, 'endpoint'>): S3ClientConfig {
  return {
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  };
}

/** Makes a bucket of a new name. */
export async function newBucket(server: Pick<Server, 'endpoint'>): Promise<string> {
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  const client = new S3Client(clientConfigOf(server));
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}
