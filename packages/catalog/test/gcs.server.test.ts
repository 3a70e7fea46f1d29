import { GCSStorage } from '@dataref/core/gcs';
import { newBucket, storageOptionsOf } from '../../core/test/servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../../core/test/servers/servers.js';
import { catalogSuite } from './catalog-suite.js';

await describeWithServer('a catalog over fake-gcs-server', startFakeGcs, (server) => {
  catalogSuite(async () => {
    const bucket = await newBucket(server);
    return () => new GCSStorage({ bucket, prefix: 'data', storageOptions: storageOptionsOf(server) });
  });
});
