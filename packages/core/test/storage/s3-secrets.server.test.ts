import { expect, jest, test } from '@jest/globals';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { withRetry } from '@dataref/core/store';
import { ACCESS_KEY, clientConfigOf, newBucket, SECRET_KEY } from '../servers/moto-buckets.js';
import { searchFor, useAll } from '../servers/secrets.js';
import { s3Failure, type Script, startScripted } from '../servers/scripted-server.js';
import { describeWithServer, startMoto } from '../servers/servers.js';

jest.setTimeout(600_000);
const SESSION_TOKEN = 'session+token/5f0c-never-shown==';
/** All that is or carries a secret: the keys, and what is signed with them. */
const SECRET = [
  ACCESS_KEY,
  SECRET_KEY,
  SESSION_TOKEN,
  'AWS4-HMAC-SHA256',
  'Signature=',
  'X-Amz-Signature',
  'x-amz-security-token',
];

const { expectNoSecret, expectNoneShown, expectNoneWhereAllIsWell } = searchFor(SECRET);

function configOf(endpoint: string) {
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, sessionToken: SESSION_TOKEN };
  return { ...clientConfigOf({ endpoint }), credentials };
}

await describeWithServer('no secret is shown', startMoto, (server) => {
  test('by what goes well: neither in what is given, nor in states, nor in anything that is stored', async () => {
    const place = { bucket: await newBucket(server), clientConfig: configOf(server.endpoint) };
    await expectNoneWhereAllIsWell(new S3Storage(place), new S3Store(place));
  });

  test('by a bucket that is not there', async () => {
    const clientConfig = configOf(server.endpoint);
    const { given, thrown } = await useAll(new S3Storage({ bucket: 'there-is-none', clientConfig }));
    expect(thrown.length).toBeGreaterThan(0);
    expectNoSecret('results', ...given, ...thrown);
    expectNoneShown();
  });
});

const cut: Script = (_, response) => {
  response.writeHead(200, { 'content-length': '1000', etag: '"e"' });
  response.write('<?xml version="1.0"?><ListBucketResult>', () => response.destroy());
};
/** Says what it was told, as a careless proxy may. */
const echo =
  (status: number): Script =>
  (request, response) => {
    const headers = JSON.stringify(request.headers);
    response.writeHead(status, {
      'content-type': 'application/xml',
      'x-amz-request-id': ACCESS_KEY.replace(/./gu, 'x'),
    });
    response.end(
      `<Error><Code>AccessDenied</Code><Message>${headers.replace(/[<&]/gu, '')}</Message><AWSAccessKeyId>${ACCESS_KEY}</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256 ${ACCESS_KEY}</StringToSign></Error>`,
    );
  };

test('the search finds what an SDK’s own error shows', async () => {
  const server = await startScripted();
  server.script = echo(403);
  const client = new S3Client({ ...configOf(server.endpoint), maxAttempts: 1 });
  const error: unknown = await client.send(new ListBucketsCommand({})).catch((reason: unknown) => reason);
  expect(() => expectNoSecret('it', error)).toThrow();
  expect(() => expectNoSecret('it', { deep: [new Error('x', { cause: { secret: SECRET_KEY } })] })).toThrow();
  client.destroy();
  await server.close();
});

test.each<[string, Script]>([
  ['a wrong key', s3Failure(403, 'InvalidAccessKeyId')],
  ['a wrong signature, with all that was signed in the answer', echo(403)],
  ['a failing server that repeats what it was told', echo(500)],
  ['a bad request that is repeated', echo(400)],
  [
    'a redirect',
    (_, response) =>
      void response.writeHead(307, { location: `http://127.0.0.1:1/?X-Amz-Signature=${SECRET_KEY}` }).end(),
  ],
  ['a server in trouble', s3Failure(503, 'SlowDown')],
  ['a reset', (request) => void request.socket.resetAndDestroy()],
  ['an answer that is cut off', cut],
  ['an answer that is no XML', (_, response) => void response.writeHead(200, { etag: '"e"' }).end('no xml')],
  ['no answer', () => undefined],
])('no secret is shown by %s', async (name, script) => {
  const server = await startScripted();
  try {
    server.script = script;
    const clientConfig = configOf(server.endpoint);
    const place = { bucket: 'bucket', idleTimeoutMs: 60 };
    const limits = { attempts: 2, baseDelayMs: 1 };
    for (const store of [
      new S3Store({ ...place, clientConfig }),
      withRetry(new S3Store({ ...place, clientConfig }), limits),
      withRetry(new S3Store({ ...place, client: new S3Client({ ...clientConfig, maxAttempts: 1 }) }), limits),
    ]) {
      const errors = await Promise.all(
        [
          () => store.head('k'),
          () => store.get('k', 1000),
          async () => (await store.open('k', { byteLength: 10 }))?.read(new Uint8Array(5), 0),
          () => store.put('k', new Uint8Array(5)),
          () => store.listFolders(''),
          () => store.delete('k'),
          () => store.sweep(),
          async () => {
            const writer = await store.create('k');
            await writer.write(new Uint8Array(9 * 2 ** 20));
            await writer.commit();
          },
        ].map((attempt) => attempt().catch((error: unknown) => error)),
      );
      expect(
        errors.filter((error) => (error as { name?: string } | undefined)?.name === 'DataRefError').length,
      ).toBeGreaterThan(3);
      expectNoSecret(name, ...errors);
    }
    expectNoneShown();
  } finally {
    await server.close();
  }
});
