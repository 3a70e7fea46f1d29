import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { S3Store } from '@dataref/core/s3';
import { failure } from '../expect-error.js';
import { clientConfigOf } from '../servers/moto-buckets.js';
import { s3Failure, type ScriptedServer, startScripted } from '../servers/scripted-server.js';

jest.setTimeout(600_000);
const MIB = 2 ** 20;
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScripted();
});
afterAll(() => server.close());

/** A bucket in memory that fails when the test says so. */
function bucket() {
  const parts = new Map<number, Buffer>();
  const state = {
    fails: (_request: string): boolean => false,
    object: undefined as Buffer | undefined,
    uploading: 0,
    most: 0,
  };
  server.script = (request, response) => {
    const url = new URL(request.url ?? '', server.endpoint);
    const query = url.searchParams;
    const number = Number(query.get('partNumber'));
    const kind =
      request.method === 'POST' && query.has('uploads') ? 'begin'
      : request.method === 'PUT' && number > 0 ? 'part'
      : request.method === 'PUT' ? 'put'
      : request.method === 'POST' ? 'complete'
      : 'abort'; // prettier-ignore
    const chunks: Buffer[] = [];
    state.most = Math.max(state.most, ++state.uploading);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () =>
      setTimeout(() => {
        state.uploading--;
        const body = Buffer.concat(chunks);
        if (state.fails(kind)) return s3Failure(503, 'SlowDown')(request, response);
        const xml = (text: string): void =>
          void response.writeHead(200, { 'content-type': 'application/xml' }).end(text);
        if (kind === 'begin')
          return xml('<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>');
        if (kind === 'complete') {
          state.object = Buffer.concat(
            Array.from(parts)
              .sort(([a], [b]) => a - b)
              .map(([, bytes]) => bytes),
          );
          return xml('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>');
        }
        if (kind === 'abort') {
          parts.clear();
          return void response.writeHead(204).end();
        }
        if (kind === 'part') parts.set(number, body);
        else state.object = body;
        response.writeHead(200, { etag: `"${number}"` }).end();
      }, 5),
    );
  };
  return { state, parts, store: new S3Store({ bucket: 'bucket', clientConfig: clientConfigOf(server) }) };
}

const SAMPLE = new Uint8Array(60 * MIB);
for (let i = 0; i < SAMPLE.length; i++) SAMPLE[i] = i * 31 + (i >> 12);

test('steps that fail with what may pass are repeated with the same bytes, which are written once', async () => {
  const { state, store } = bucket();
  const bytes = SAMPLE.subarray(0, 45 * MIB);
  let count = 0;
  state.fails = () => count++ % 3 !== 2;
  const writer = await store.create('k');
  let failures = 0;
  const persistently = async (step: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        expect(error).toEqual(failure('STORE_FAILED', /SlowDown/));
        failures++;
      }
    }
  };
  for (let at = 0; at < bytes.length; at += 11 * MIB)
    await persistently(() => writer.write(bytes.subarray(at, at + 11 * MIB)));
  await persistently(() => writer.commit());
  expect(Buffer.compare(state.object as Buffer, bytes)).toBe(0);
  expect(failures).toBeGreaterThan(5);
});

test('at most four parts are under way', async () => {
  const { state, store } = bucket();
  const writer = await store.create('k');
  await writer.write(SAMPLE);
  await writer.commit();
  expect(state.object?.length).toBe(60 * MIB);
  expect(state.most).toBeGreaterThan(1);
  expect(state.most).toBeLessThanOrEqual(4);
});

test('a signal ends it at once, and an abort then waits for what is under way', async () => {
  const { state, parts, store } = bucket();
  const controller = new AbortController();
  const reason = new Error('enough');
  const writer = await store.create('k', { signal: controller.signal });
  const writing = writer.write(SAMPLE);
  state.fails = (request) => {
    if (request === 'part') controller.abort(reason);
    return false;
  };
  await expect(writing).rejects.toBe(reason);
  await expect(writer.commit()).rejects.toBe(reason);
  await writer.abort();
  expect(parts.size).toBe(0);
  expect(server.requests.at(-1)).toMatch(/^DELETE .*uploadId=U/);
});

test('an object that fits one part is put at once', async () => {
  const { state, store } = bucket();
  server.requests.length = 0;
  const writer = await store.create('k');
  for (let i = 0; i < 8; i++) await writer.write(SAMPLE.subarray(i * MIB, (i + 1) * MIB));
  await writer.commit();
  expect([state.object?.length, server.requests.length]).toEqual([8 * MIB, 1]);
});
