import { afterAll } from '@jest/globals';
import { S3Storage } from '@dataref/core/s3';
import { ACCESS_KEY, clientConfigOf, newBucket, SECRET_KEY } from '../../../core/test/servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../../../core/test/servers/servers.js';
import { bucketSuite } from './bucket-suite.js';

// As workers of other processes have them: from their own environment.
const before = { ...process.env };
Object.assign(process.env, { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY });
afterAll(() => void (process.env = before));

await describeWithServer('sends over moto', startMoto, (server) => {
  bucketSuite(
    async () =>
      new S3Storage({ bucket: await newBucket(server), prefix: 'data', clientConfig: clientConfigOf(server) }),
    [ACCESS_KEY, SECRET_KEY],
  );
});
