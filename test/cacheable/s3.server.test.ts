import { jest } from '@jest/globals';
import { clientConfigOf, newBucket } from '../../packages/core/test/servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../../packages/core/test/servers/servers.js';
import { announceSeed, randomOf } from '../../packages/core/test/scale.js';
import { S3Store } from '../../packages/core/dist/store/s3-store.js';
import { withRetry } from '../../packages/core/dist/store/retry.js';
import { cacheableSuite } from './suite.js';

jest.setTimeout(900_000);
const random = randomOf(announceSeed('cacheable/s3'));

await describeWithServer('cacheable over moto', startMoto, (server) => {
  cacheableSuite(random, async () => {
    const place = { bucket: await newBucket(server), prefix: 'datasets/', clientConfig: clientConfigOf(server) };
    const store = withRetry(new S3Store(place));
    const recipe = await store.recipe?.();
    if (recipe === undefined) throw new Error('no recipe');
    return { store, recipe };
  });
});
