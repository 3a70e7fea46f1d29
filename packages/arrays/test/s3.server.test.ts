import { jest } from '@jest/globals';
import { S3Storage } from '@dataref/core/s3';
import { clientConfigOf, newBucket } from '../../core/test/servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../../core/test/servers/servers.js';
import { announceSeed, randomOf } from '../../core/test/scale.js';
import { arraysSuite } from './arrays-suite.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('arrays/s3'));

await describeWithServer('arrays over moto', startMoto, (server) => {
  const open = async () =>
    new S3Storage({ bucket: await newBucket(server), prefix: 'data', clientConfig: clientConfigOf(server) });
  arraysSuite(random, open, 20);
});
