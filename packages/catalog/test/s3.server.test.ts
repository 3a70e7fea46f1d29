import { S3Storage } from '@dataref/core/s3';
import { clientConfigOf, newBucket } from '../../core/test/servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../../core/test/servers/servers.js';
import { catalogSuite } from './catalog-suite.js';

await describeWithServer('a catalog over moto', startMoto, (server) => {
  catalogSuite(async () => {
    const bucket = await newBucket(server);
    return () => new S3Storage({ bucket, prefix: 'data', clientConfig: clientConfigOf(server) });
  });
});
