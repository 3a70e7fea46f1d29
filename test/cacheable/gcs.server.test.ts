import { jest } from '@jest/globals';
import { GCSStore } from '@dataref/core/gcs';
import { withRetry } from '@dataref/core/store';
import { newBucket, storageOptionsOf } from '../../packages/core/test/servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../../packages/core/test/servers/servers.js';
import { announceSeed, randomOf } from '../../packages/core/test/scale.js';
import { cacheableSuite } from './suite.js';

jest.setTimeout(900_000);
const random = randomOf(announceSeed('cacheable/gcs'));

await describeWithServer('cacheable over fake-gcs-server', startFakeGcs, (server) => {
  cacheableSuite(random, async () => {
    const place = { bucket: await newBucket(server), prefix: 'datasets', storageOptions: storageOptionsOf(server) };
    const store = withRetry(new GCSStore(place));
    const recipe = await store.recipe?.();
    if (recipe === undefined) throw new Error('no recipe');
    return { store, recipe };
  });
});
