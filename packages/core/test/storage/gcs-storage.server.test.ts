import { jest } from '@jest/globals';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { newBucket, storageOptionsOf } from '../servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../servers/servers.js';
import { bucketElasticSuite } from './bucket-elastic.js';
import { type Buckets, bucketStorageSuite } from './bucket-storage.js';

jest.setTimeout(600_000);

await describeWithServer('GCSStorage over fake-gcs-server', startFakeGcs, (server) => {
  const storageOptions = storageOptionsOf(server);
  const buckets: Buckets = {
    scheme: 'gs',
    newBucket: () => newBucket(server),
    storageIn: (bucket, options) => new GCSStorage({ bucket, storageOptions, ...options }),
    storeOf: (bucket) => new GCSStore({ bucket, storageOptions }),
    openOptions: { storageOptions },
    noBucket: /is there such a bucket/u,
  };
  bucketStorageSuite(buckets);
  bucketElasticSuite(buckets);
});
