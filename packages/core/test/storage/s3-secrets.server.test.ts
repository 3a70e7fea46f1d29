import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { inspect } from 'node:util';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import type { StreamState } from '@dataref/core';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { withRetry } from '@dataref/core/store';
import { ACCESS_KEY, clientConfigOf, newBucket, SECRET_KEY } from '../servers/moto-buckets.js';
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

/** Everything that was shown: on the console and by the process itself. */
const shown: unknown[] = [];
const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const;
beforeAll(() => {
  for (const method of METHODS)
    jest.spyOn(console, method).mockImplementation((...items: unknown[]) => void shown.push(...items));
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    jest.spyOn(stream, 'write').mockImplementation((...items: Parameters<typeof write>) => {
      shown.push(String(items[0]));
      return write(...items);
    });
  }
});
afterAll(() => void jest.restoreAllMocks());

/** Fails where anything that was given, to any depth and hidden properties too, has a secret in it. */
function expectNoSecret(what: string, ...values: readonly unknown[]): void {
  for (const value of values) {
    const text = [
      inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null }),
      value instanceof Error || Object(value) === value ? JSON.stringify(value) : String(value),
      String((value as { stack?: unknown } | undefined)?.stack),
    ].join('\n');
    const found = SECRET.filter((secret) => text.toLowerCase().includes(secret.toLowerCase()));
    expect({ what, found }).toEqual({ what, found: [] });
  }
}

function configOf(endpoint: string) {
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, sessionToken: SESSION_TOKEN };
  return { ...clientConfigOf({ endpoint }), credentials };
}

/** Every way to use a storage; what each gives or throws. */
async function useAll(storage: S3Storage): Promise<unknown[]> {
  const results: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    results.push(await work().catch((error: unknown) => error));
  };
  await attempt(() => storage.submit([{ x: 1 }, { x: 2 }], 'a', '1'));
  await attempt(() => storage.info('a', '1'));
  await attempt(() => storage.has('a', '1'));
  await attempt(async () => {
    for await (const info of storage.list()) results.push(info);
  });
  await attempt(async () => {
    const dataref = await storage.fetch('a', '1');
    results.push(inspect(dataref, { depth: 0 }));
    const states: StreamState[] = [];
    for await (const batch of dataref.stream({ shuffle: true, shuffleSeed: 1 }).batch(1)) states.push(batch.state);
    return states;
  });
  await attempt(() => storage.verify('a', '1'));
  await attempt(() => storage.vacuum());
  await attempt(() => storage.delete('a', '1'));
  return results;
}

await describeWithServer('no secret is shown', startMoto, (server) => {
  test('by what goes well: neither in what is given, nor in states, nor in anything that is stored', async () => {
    const bucket = await newBucket(server);
    const clientConfig = configOf(server.endpoint);
    const storage = new S3Storage({ bucket, clientConfig });
    expectNoSecret('results', ...(await useAll(storage)));
    await storage.submit([{ x: 1 }], 'b', '1');
    const store = new S3Store({ bucket, clientConfig });
    let objects = 0;
    for await (const { key } of store.list('')) {
      objects++;
      const bytes = (await store.get(key, 2 ** 20))?.bytes;
      expectNoSecret(key, key, Buffer.from(bytes as Uint8Array).toString('latin1'));
    }
    expect(objects).toBeGreaterThan(1);
    expectNoSecret(
      'what the storage shows',
      inspect(storage),
      inspect(store),
      JSON.stringify([storage, store]),
      store.description,
    );
    expectNoSecret('the console', ...shown);
  });

  test('by a bucket that is not there', async () => {
    const clientConfig = configOf(server.endpoint);
    expectNoSecret('results', ...(await useAll(new S3Storage({ bucket: 'there-is-none', clientConfig }))));
    expectNoSecret('the console', ...shown);
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
    expectNoSecret('the console', ...shown);
  } finally {
    await server.close();
  }
});
