import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { failure } from '../expect-error.js';
import { scale } from '../scale.js';

jest.setTimeout(600_000);

const CHUNK_BYTES = 8 * 2 ** 20;
const OBJECT = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const TOKEN = 'ya29.not-to-be-told';
const UPLOAD_ID = 'upload-id-not-to-be-told';

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

let server: Server;
let endpoint: string;
let asked: Asked[];
let answer: Answer;

/** A server that answers as a test says, in the place of Google's. */
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url: new URL(url, endpoint), headers, body: Buffer.concat(chunks) };
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function optionsWith(authClient: object): StorageOptions {
  return { apiEndpoint: endpoint, useAuthWithCustomEndpoint: true, projectId: 'p', authClient } as StorageOptions;
}

function open(idleTimeoutMs = 10_000): GCSStore {
  const authClient = { getRequestHeaders: async () => ({ authorization: `Bearer ${TOKEN}` }) };
  return new GCSStore({ bucket: 'bucket', storage: new Storage(optionsWith(authClient)), idleTimeoutMs });
}

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; details: Record<string, unknown> }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { message, stack, cause, details } = error as Error & { details: object };
  // All that a log could show of it.
  expect([message, stack, String(cause), JSON.stringify(details)].join('\n')).not.toMatch(
    /not-to-be-told|PRIVATE KEY/u,
  );
  return error as { code: string; details: Record<string, unknown> };
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refusal(response: ServerResponse, status: number, reason: string, headers = {}): void {
  const message = `${reason} for ${TOKEN}`;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { code: status, message, errors: [{ reason, message }] } }));
}

async function read(idleTimeoutMs?: number): Promise<Uint8Array> {
  const into = new Uint8Array(100);
  const reader = await open(idleTimeoutMs).open('a/k', { byteLength: OBJECT.length });
  await reader?.read(into, 10);
  return into;
}

describe('of a bucket that is not what it should be, GCSStore', () => {
  const RIGHT = { 'content-range': 'bytes 10-109/5000', 'content-length': 100, 'x-goog-generation': '7' };

  test('reads what is right, with credentials, and pins the generation of the first answer', async () => {
    answer = (_, response) => response.writeHead(206, RIGHT).end(OBJECT.subarray(10, 110));
    const reader = await open().open('a/k', { byteLength: OBJECT.length });
    for (let i = 0; i < 2; i++) await reader?.read(new Uint8Array(100), 10);
    expect(asked.map(({ url }) => url.searchParams.get('generation'))).toEqual([null, '7']);
    expect(asked[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, range: 'bytes=10-109' });
    answer = (_, response) =>
      response.writeHead(206, { ...RIGHT, 'x-goog-generation': '8' }).end(OBJECT.subarray(10, 110));
    await expect(reader?.read(new Uint8Array(100), 10)).rejects.toEqual(failure('GENERATION_GONE', /^a\/k: /u));
  });

  test.each<[string, number, object, RegExp]>([
    ['ignores the range', 200, { ...RIGHT, 'content-length': 5000 }, /status 200 in place of 206/u],
    ['gives another range', 206, { ...RIGHT, 'content-range': 'bytes 0-99/5000' }, /sent bytes 0-99/u],
    ['has an object of another size', 206, { ...RIGHT, 'content-range': 'bytes 10-109/6000' }, /has 6000 bytes/u],
    ['sends 10 GB', 206, { ...RIGHT, 'content-length': 10e9 }, /more bytes/u],
  ])('refuses a server that %s', async (_, status, headers, message) => {
    let sentBytes = 0;
    answer = (_asked, response) => {
      response.writeHead(status, headers as Record<string, string>);
      const more = (): void => {
        if (response.destroyed || sentBytes > 2 ** 30) return;
        sentBytes += 2 ** 12;
        response.write(Buffer.alloc(2 ** 12), more);
      };
      more();
    };
    await expect(read()).rejects.toEqual(failure('CORRUPT', message));
    expect(sentBytes).toBeLessThan(2 ** 25); // buffers of sockets
  });

  test('follows no redirect, and sends its token nowhere else', async () => {
    answer = ({ url }, response) => {
      if (url.pathname === '/elsewhere') response.end();
      else response.writeHead(307, { location: `${endpoint}/elsewhere?${UPLOAD_ID}` }).end();
    };
    const store = open();
    for (const attempt of [
      () => read(),
      () => store.get('a/k', 100),
      () => store.head('a/k'),
      () => store.put('a/k', OBJECT),
      () => store.listFolders(''),
    ]) {
      const error = await errorOf(attempt());
      expect(error).toEqual(failure('STORE_FAILED', /a redirect to http:\/\/127.0.0.1:\d+\/elsewhere, which is not/u));
    }
    expect(asked.filter(({ url }) => url.pathname === '/elsewhere')).toEqual([]);
  });

  test.each([
    [429, 'rateLimitExceeded', { 'retry-after': '3' }, { isTransient: true, retryAfterMs: 3000 }],
    [503, 'backendError', {}, { isTransient: true }],
    [409, 'conflict', {}, { isTransient: true }],
    [403, 'forbidden', {}, { isTransient: false }],
    [401, 'authError', {}, { isTransient: false }],
  ])('tells of status %d (%s) its reason, and nothing of its message', async (status, reason, headers, details) => {
    answer = (_, response) => refusal(response, status, reason, headers);
    const store = open();
    for (const attempt of [
      () => store.get('a/k', 100),
      () => store.head('a/k'),
      () => store.put('a/k', OBJECT, { ifAbsent: true }),
      () => store.delete('a/k'),
      () => store.listFolders(''),
      async () => (await store.create('a/k')).write(new Uint8Array(CHUNK_BYTES + 1)),
    ]) {
      const error = await errorOf(attempt());
      expect(error).toEqual(failure('STORE_FAILED', new RegExp(`answered ${status} \\(${reason}\\)`, 'u')));
      expect(error.details).toMatchObject({ status, reason, ...details });
    }
    expect((await errorOf(read())).details).toMatchObject({ status, ...details });
  });

  test('gives up a server that says nothing', async () => {
    answer = () => undefined;
    const hasty = open(50);
    for (const attempt of [
      () => read(50),
      () => hasty.get('a/k', 100),
      () => hasty.head('a/k'),
      () => hasty.put('a/k', new Uint8Array(1)),
      () => hasty.delete('a/k'),
      () => hasty.list('').next(),
    ])
      expect(await errorOf(attempt())).toEqual(failure('TIMEOUT', /nothing was heard/u));
  });

  test('a listing that never ends is refused', async () => {
    const item = (name: string) => ({ name, size: '1', updated: '2024-01-01T00:00:00.000Z' });
    const listed = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of open().list('')) keys.push(key);
      return keys;
    };
    answer = (_, response) => json(response, { items: [item('a')], nextPageToken: 'again' });
    await expect(listed()).rejects.toEqual(failure('CORRUPT', /^gs:\/\/bucket\/: the listing would never end/u));
    let count = 0;
    answer = (_, response) => json(response, { nextPageToken: `t${count++}` });
    await expect(listed()).rejects.toEqual(failure('CORRUPT', /pages were empty/u));
    answer = (_, response) => json(response, { items: [{ name: 'a' }] });
    await expect(listed()).rejects.toEqual(failure('STORE_FAILED', /without its name, size or time/u));
    answer = (_, response) => response.end('<html>');
    await expect(listed()).rejects.toEqual(failure('STORE_FAILED', /no JSON/u));
    answer = (_, response) => json(response, { items: ['a/b', 'a/../b', '../x', 'a//b', 'a/'].map(item) });
    expect(await listed()).toEqual(['a/b']);
  });
});

describe('an upload by GCSStore', () => {
  /** Takes uploads as Google does; `takes` says how much of what comes. */
  function takeUploads(takes: (asked: Asked, offered: number) => number | 'fail' | 'lose' = (_, offered) => offered) {
    let stored = Buffer.alloc(0);
    let isDone = false;
    const ends: string[] = [];
    answer = (one, response) => {
      const { method, url, headers, body } = one;
      if (method === 'DELETE') {
        ends.push(url.pathname);
        return void response.writeHead(url.pathname === '/session' ? 499 : 204).end();
      }
      if (url.searchParams.get('uploadType') === 'resumable')
        return void response.writeHead(200, { location: `${endpoint}/session?upload_id=${UPLOAD_ID}` }).end();
      const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/u.exec(headers['content-range'] ?? '') ?? [];
      const fresh = body.subarray(stored.length - Number(first)); // what it has, it ignores
      const taken = isDone ? 0 : takes(one, fresh.length);
      if (taken === 'fail') return refusal(response, 503, 'backendError');
      stored = Buffer.concat([stored, fresh.subarray(0, taken === 'lose' ? fresh.length : taken)]);
      isDone = total !== '*' && stored.length === Number(total);
      if (taken === 'lose') return void response.destroy();
      if (isDone) return json(response, { generation: '9', size: String(stored.length), md5Hash: md5Of(stored) });
      response.writeHead(308, stored.length === 0 ? {} : { range: `bytes=0-${stored.length - 1}` }).end();
    };
    return { ends, stored: () => stored };
  }

  const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');
  const BYTES = Buffer.alloc((scale < 1 ? 1 : 3) * CHUNK_BYTES + 77, 'a pattern of 23 letters');

  /** Repeats a step as long as it fails with what may pass, as withRetry does. */
  async function persist(step: () => Promise<void>): Promise<number> {
    for (let failures = 0; ; failures++) {
      try {
        await step();
        return failures;
      } catch (error) {
        if ((error as { details?: { isTransient?: boolean } }).details?.isTransient !== true || failures > 20)
          throw error;
        await errorOf(Promise.reject(error));
      }
    }
  }

  test.each<[string, (asked: Asked, offered: number, turn: number) => number | 'fail' | 'lose']>([
    ['takes it', (_, offered) => offered],
    ['takes a part of each chunk', (_, offered) => Math.min(offered, 3 * 2 ** 20)],
    ['fails every other time', (_, offered, turn) => (turn % 2 === 0 ? 'fail' : offered)],
    ['takes it, but whose answers get lost', (_, offered, turn) => (turn % 2 === 0 ? 'lose' : offered)],
    ['takes nothing every other time', (_, offered, turn) => (turn % 2 === 0 ? 0 : offered)],
  ])('is whole where the server %s', async (_, takes) => {
    let turn = 0;
    const { stored } = takeUploads((one, offered) => takes(one, offered, turn++));
    const writer = await open().create('a/k');
    for (let at = 0; at < BYTES.length; at += 7_000_000)
      await persist(() => writer.write(BYTES.subarray(at, at + 7_000_000)));
    await persist(() => writer.commit());
    expect(stored().equals(BYTES)).toBe(true);
    // Who has the address of an upload may write: it gets no token, and is in no error.
    for (const { url, headers } of asked)
      expect(headers.authorization).toBe(url.pathname === '/session' ? undefined : `Bearer ${TOKEN}`);
  });

  test('that is aborted is ended at the server too, once', async () => {
    const { ends } = takeUploads();
    const writer = await open().create('a/k');
    await writer.write(BYTES);
    await writer.abort();
    await writer.abort();
    expect(ends).toEqual(['/session']);
    expect(await errorOf(writer.write(BYTES))).toEqual(failure('STORE_FAILED', /it was aborted/u));
    expect(await errorOf(writer.commit())).toEqual(failure('STORE_FAILED', /it was aborted/u));
  });

  test('whose bytes were damaged on their way is removed, and fails', async () => {
    const { ends } = takeUploads();
    const right = answer;
    answer = (one, response) => {
      if (one.body.length > 1000) one.body[500] = (one.body[500] ?? 0) ^ 1;
      right(one, response);
    };
    const writer = await open().create('a/k');
    await writer.write(BYTES);
    expect(await errorOf(writer.commit())).toEqual(failure('STORE_FAILED', /damaged on their way/u));
    expect(ends).toEqual(['/storage/v1/b/bucket/o/a%2Fk']);
    expect(asked.at(-1)?.url.searchParams.get('ifGenerationMatch')).toBe('9');
  });

  test('of a small object sends its MD5 with it, and its condition', async () => {
    answer = ({ url, body }, response) => {
      if (url.searchParams.get('ifGenerationMatch') === '0') return refusal(response, 412, 'conditionNotMet');
      const { md5Hash } = JSON.parse(body.toString('latin1').split('\r\n')[3] ?? '') as { md5Hash: string };
      json(response, { generation: '5', size: String(OBJECT.length), md5Hash });
    };
    expect(await open().put('a/k', OBJECT, { ifAbsent: true })).toBeUndefined();
    expect(await open().put('a/k', OBJECT, { ifVersion: '3' })).toBe('5');
    expect(asked.map(({ url }) => url.searchParams.get('ifGenerationMatch'))).toEqual(['0', '3']);
    expect(asked[1]?.body.includes(Buffer.from(OBJECT))).toBe(true);
    expect(asked[1]?.body.includes(md5Of(OBJECT))).toBe(true);
  });
});

describe('credentials', () => {
  test('come from the chain of the SDK', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const universe = 'example.test'; // where accounts sign their tokens themselves
    answer = (_, response) => refusal(response, 403, 'forbidden');
    const credentials = { client_email: 'me@example.test', private_key: key, universe_domain: universe };
    const { authClient: _, ...rest } = optionsWith({});
    const storageOptions = { ...rest, universeDomain: universe, credentials };
    const store = new GCSStore({ bucket: 'bucket', storageOptions });
    const error = await errorOf(store.get('k', 1));
    expect(error).toEqual(failure('STORE_FAILED', /403 \(forbidden\)/u));
    const token = /^Bearer (\S+)$/u.exec(asked[0]?.headers.authorization ?? '')?.[1] ?? '';
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ iss: 'me@example.test' });
    expect(JSON.stringify([store.description, store])).not.toContain('PRIVATE KEY');
  });

  test.each([
    ['that cannot be read', { code: 'ENOENT', message: TOKEN }, false, /\(ENOENT\)/u],
    ['that are refused', { status: 400, message: TOKEN, config: { headers: TOKEN } }, false, /\(400\)/u],
    ['whose server is down', { response: { status: 503, data: TOKEN } }, true, /\(503\)/u],
    ['whose server is not reached', { code: 'ECONNREFUSED', message: TOKEN }, true, /\(ECONNREFUSED\)/u],
    ['that fail otherwise', { message: `PRIVATE KEY ${TOKEN}` }, false, /could not be had;/u],
  ])('%s are an error that shows none of them', async (_, problem, isTransient, message) => {
    const failing = {
      getRequestHeaders: async () => {
        throw Object.assign(new Error(TOKEN), problem);
      },
    };
    const store = new GCSStore({ bucket: 'bucket', storageOptions: optionsWith(failing) });
    for (const attempt of [() => store.get('k', 1), () => store.put('k', OBJECT), () => store.listFolders('')]) {
      const error = await errorOf(attempt());
      expect(error).toEqual(failure('STORE_FAILED', message));
      expect(error.details['isTransient']).toBe(isTransient);
    }
    expect(asked).toEqual([]);
  });

  test('go to another thread as headers that are good for some minutes, and with them nothing that renews them', async () => {
    answer = (_, response) => response.writeHead(200, { 'x-goog-generation': '1' }).end('x');
    const { module, data, validMs } = await open().recipe();
    const { openStore } = (await import(module)) as { openStore: (data: unknown) => GCSStore };
    expect((await openStore(structuredClone(data)).get('a/k', 1))?.version).toBe('1');
    expect(asked[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(validMs).toBeLessThan(300_000);
  });

  test('that never come end in TIMEOUT, or with the signal', async () => {
    const never = { getRequestHeaders: () => new Promise(() => undefined) };
    const store = new GCSStore({ bucket: 'bucket', storageOptions: optionsWith(never), idleTimeoutMs: 50 });
    expect(await errorOf(store.get('k', 1))).toEqual(failure('TIMEOUT', /nothing was heard/u));
    const reason = new Error('enough');
    const patient = new GCSStore({ bucket: 'bucket', storageOptions: optionsWith(never) });
    const controller = new AbortController();
    const getting = patient.get('k', 1, { signal: controller.signal });
    controller.abort(reason);
    await expect(getting).rejects.toBe(reason);
  });

  test('of which there are none leave a bucket that is open to all readable', async () => {
    const none = {
      getRequestHeaders: async () => {
        throw new Error('Could not load the default credentials. Browse to …');
      },
    };
    answer = (_, response) => response.writeHead(200, { 'x-goog-generation': '1' }).end('x');
    const store = new GCSStore({ bucket: 'bucket', storageOptions: optionsWith(none) });
    expect((await store.get('k', 1))?.version).toBe('1');
    expect(asked[0]?.headers).not.toHaveProperty('authorization');
  });

  test('are in no error of a storage, and not in what is written', async () => {
    const authClient = { getRequestHeaders: async () => ({ authorization: `Bearer ${TOKEN}` }) };
    answer = (_, response) => refusal(response, 403, 'forbidden');
    const storage = new GCSStorage({ bucket: 'bucket', storageOptions: optionsWith(authClient) });
    for (const attempt of [
      () => storage.fetch('a', '1'),
      () => storage.submit([1, 2], 'a', '1'),
      () => storage.delete('a', '1'),
      () => storage.vacuum(),
      () => storage.has('a', '1'),
    ])
      expect(await errorOf(attempt())).toEqual(failure('STORE_FAILED', /403 \(forbidden\)/u));
    for (const { body, url } of asked) expect(`${url.href}${body.toString('latin1')}`).not.toContain(TOKEN);
  });
});
