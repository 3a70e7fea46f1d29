import { expect, jest, test } from '@jest/globals';
import type { StorageOptions } from '@google-cloud/storage';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { newBucket, storageOptionsOf } from '../servers/gcs-buckets.js';
import { searchFor, useAll } from '../servers/secrets.js';
import { describeWithServer, startFakeGcs } from '../servers/servers.js';

jest.setTimeout(600_000);
const TOKEN = 'ya29.never-shown-5f0c';

const { expectNoSecret, expectNoneShown, expectNoneWhereAllIsWell } = searchFor([TOKEN, 'Bearer ']);

// What a hostile server is told and what is made of its answers: gcs-hostile.test.ts.
await describeWithServer('no secret is shown', startFakeGcs, (server) => {
  let asked = 0;
  const authClient = {
    getRequestHeaders: async () => {
      asked++;
      return { authorization: `Bearer ${TOKEN}` };
    },
  };
  const storageOptions = {
    ...storageOptionsOf(server),
    useAuthWithCustomEndpoint: true,
    authClient,
  } as unknown as StorageOptions;

  test('by what goes well: neither in what is given, nor in states, nor in anything that is stored', async () => {
    const place = { bucket: await newBucket(server), storageOptions };
    await expectNoneWhereAllIsWell(new GCSStorage(place), new GCSStore(place));
    expect(asked).toBeGreaterThan(0);
  });

  test('by a bucket that is not there', async () => {
    const { given, thrown } = await useAll(new GCSStorage({ bucket: 'there-is-none', storageOptions }));
    expect(thrown.length).toBeGreaterThan(0);
    expectNoSecret('results', ...given, ...thrown);
    expectNoneShown();
  });
});
