import { test } from '@jest/globals';
import { storeSuite } from '@dataref/core/testing';
import { S3Store } from '../../dist/store/s3-store.js';
import { clientConfigOf, newBucket } from '../servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../servers/servers.js';

await describeWithServer('S3Store over moto', startMoto, (server) => {
  const clientConfig = clientConfigOf(server);
  for (const { name, run } of storeSuite(async () => ({
    store: new S3Store({ bucket: await newBucket(server), prefix: 'a prefix/of=mine', clientConfig }),
  })))
    test(name, run);
});
