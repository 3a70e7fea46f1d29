import { expect, jest, test } from '@jest/globals';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { failure } from '../expect-error.js';
import { clientConfigOf, newBucket } from '../servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../servers/servers.js';
import { bucketElasticSuite } from './bucket-elastic.js';
import { type Buckets, bucketStorageSuite } from './bucket-storage.js';

jest.setTimeout(600_000);

await describeWithServer('S3Storage over moto', startMoto, (server) => {
  const clientConfig = clientConfigOf(server);
  const noBucket = /s3:\/\/there-is-no-such-bucket\/: .*there is no such bucket: check its name/u;

  const buckets: Buckets = {
    scheme: 's3',
    newBucket: () => newBucket(server),
    storageIn: (bucket, options) => new S3Storage({ bucket, clientConfig, ...options }),
    storeOf: (bucket) => new S3Store({ bucket, clientConfig }),
    openOptions: { clientConfig },
    async unfinishedUploads(bucket) {
      const client = new S3Client(clientConfig);
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      client.destroy();
      return Uploads?.length ?? 0;
    },
    noBucket,
  };
  bucketStorageSuite(buckets);
  bucketElasticSuite(buckets);

  test('who asks another bucket for one dataset is told so', async () => {
    const storage = new S3Storage({ bucket: 'there-is-no-such-bucket', clientConfig });
    for (const attempt of [() => storage.has('a', '1'), () => storage.delete('a', '1')])
      await expect(attempt()).rejects.toEqual(failure('STORE_FAILED', noBucket));
  });
});
