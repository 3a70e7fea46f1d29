import { jest } from '@jest/globals';
import { GCSStorage } from '@dataref/core/gcs';
import { newBucket, storageOptionsOf } from '../../core/test/servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../../core/test/servers/servers.js';
import { announceSeed, randomOf } from '../../core/test/scale.js';
import { arraysSuite } from './arrays-suite.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('arrays/gcs'));

await describeWithServer('arrays over fake-gcs-server', startFakeGcs, (server) => {
  const open = async () =>
    new GCSStorage({ bucket: await newBucket(server), prefix: 'data', storageOptions: storageOptionsOf(server) });
  arraysSuite(random, open, 20);
});
