import { GCSStorage } from '@dataref/core/gcs';
import { newBucket, storageOptionsOf } from '../../../core/test/servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../../../core/test/servers/servers.js';
import { bucketSuite } from './bucket-suite.js';

await describeWithServer('sends over fake-gcs-server', startFakeGcs, (server) => {
  bucketSuite(
    async () =>
      new GCSStorage({ bucket: await newBucket(server), prefix: 'data', storageOptions: storageOptionsOf(server) }),
    [],
  );
});
