import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { storeSuite } from '@dataref/core/testing';
import { FileStore } from '../../dist/store/file-store.js';
import { HttpStore } from '../../dist/store/http-store.js';
import type { ObjectReader, ObjectStore } from '../../dist/store/object-store.js';
import { failure } from '../expect-error.js';
import { type FileServer, serveFolder } from '../servers/file-server.js';
import { tempFolder } from '../temp-folder.js';

/** For what answers, on a machine with much to do. */
const PATIENT_MS = 10_000;
const OBJECT = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const SECRET = 'not-to-be-told';

/** A store that writes and lists in a folder, and reads what a server shows of it. */
function overHttp(files: FileStore, http: HttpStore): ObjectStore {
  return {
    description: http.description,
    head: (key, options) => http.head(key, options),
    get: async (key, limit, options) => {
      const held = await http.get(key, limit, options);
      return held && { ...held, version: held.version.replaceAll('"', '') }; // an ETag is quoted
    },
    open: (key, options) => http.open(key, options),
    put: (key, bytes, options) => files.put(key, bytes, options),
    create: (key, options) => files.create(key, options),
    list: (prefix) => files.list(prefix),
    listFolders: (prefix) => files.listFolders(prefix),
    delete: (key, io) => files.delete(key, io),
    sweep: () => files.sweep(),
  };
}

describe('what HttpStore reads of a folder that a server shows keeps the promises of a store', () => {
  const suite = storeSuite(async () => {
    const folder = tempFolder();
    const server = await serveFolder(folder);
    return { store: overHttp(new FileStore(folder), new HttpStore(server.url)), close: () => server.close() };
  });
  for (const { name, run } of suite) test(name, run, 60_000);
});

describe('HttpStore', () => {
  let folder: string;
  let server: FileServer;
  let store: HttpStore;

  beforeEach(async () => {
    folder = tempFolder();
    server = await serveFolder(folder);
    store = new HttpStore(server.url, { idleTimeoutMs: PATIENT_MS, headers: { Authorization: `Bearer ${SECRET}` } });
    write('a/k', OBJECT);
  });
  afterEach(() => server.close());

  function write(key: string, bytes: Uint8Array): void {
    mkdirSync(join(folder, 'a'), { recursive: true });
    writeFileSync(join(folder, 'new'), bytes);
    renameSync(join(folder, 'new'), join(folder, key));
  }

  async function opened(from: HttpStore = store, byteLength?: number): Promise<ObjectReader> {
    return (await from.open('a/k', { byteLength })) as ObjectReader;
  }

  /** Answers GETs, and GETs alone, in the server's place. */
  function answerGets(answer: (response: ServerResponse, request: IncomingMessage) => void): void {
    server.intercept = (request, response) => {
      if (request.method !== 'GET') return false;
      answer(response, request);
      return true;
    };
  }

  function rangeAnswer(response: ServerResponse, headers: Record<string, string | number> = {}): ServerResponse {
    return response.writeHead(206, { 'content-range': 'bytes 10-109/5000', 'content-length': 100, ...headers });
  }

  /** Reads bytes 10 to 109, of an object whose size is known. */
  async function read(): Promise<Uint8Array> {
    const into = new Uint8Array(100);
    await (await opened(store, OBJECT.length)).read(into, 10);
    return into;
  }

  test('knows a size that it is told, and asks for nothing before the first read', async () => {
    const reader = await opened(store, OBJECT.length);
    expect(server.requests).toHaveLength(0);
    const into = new Uint8Array(100);
    await reader.read(into, 10);
    expect(into).toEqual(OBJECT.slice(10, 110));
    expect(server.requests.map(({ method, url }) => [method, url])).toEqual([['GET', '/a/k']]);
    expect(server.requests[0]?.headers).toMatchObject({ range: 'bytes=10-109', authorization: `Bearer ${SECRET}` });
  });

  test('names files as they are called in the folder, whatever their characters', async () => {
    write('a/100%25.%C3%A4_-', OBJECT);
    expect((await store.get('a/100%25.%C3%A4_-', 10_000))?.bytes).toEqual(OBJECT);
    expect(await store.get('a/100%.%C3%A4_-', 10_000)).toBeUndefined();
  });

  test('goes on using a connection', async () => {
    const reader = await opened(store, OBJECT.length);
    for (let i = 0; i < 20; i++) await reader.read(new Uint8Array(100), 10 * i);
    for (let i = 0; i < 20; i++) await store.get('a/k', 10_000);
    for (let i = 0; i < 20; i++) await store.get('a/none', 10_000);
    expect(server.connections).toBeLessThan(5); // of 60
  });

  test.each([
    ['a strong ETag', { etag: 'strong', checksConditions: true }],
    ['a strong ETag, on a server that ignores If-Match', { etag: 'strong', checksConditions: false }],
    ['its time, under a weak ETag', { etag: 'weak', checksConditions: true }],
    ['its time, on a server that ignores If-Unmodified-Since', { etag: 'none', checksConditions: false }],
  ] as const)('a reader stays on the object that it opened by %s', async (_, options) => {
    const other = await serveFolder(folder, options);
    let writes = 0;
    try {
      const from = new HttpStore(other.url);
      for (const reader of [await opened(from), await opened(from, OBJECT.length)]) {
        await reader.read(new Uint8Array(100), 10);
        writes++;
        await new Promise((resolve) => setTimeout(resolve, 1100)); // Last-Modified knows seconds
        write(
          'a/k',
          OBJECT.map((byte) => byte ^ writes),
        );
        const reading = reader.read(new Uint8Array(100), 10);
        await expect(reading).rejects.toEqual(failure('GENERATION_GONE', /^a\/k: was deleted or written anew/u));
      }
    } finally {
      await other.close();
    }
  });

  test('an object that was deleted, cut or made longer since is known by its size, or gone', async () => {
    const reader = await opened(store, 6000);
    await expect(reader.read(new Uint8Array(100), 10)).rejects.toEqual(failure('CORRUPT', /has 5000 bytes/u));
    await expect(reader.read(new Uint8Array(100), 5500)).rejects.toEqual(failure('CORRUPT', /ends at byte 5000/u));
    const gone = await store.open('a/none', { byteLength: 100 });
    await expect(gone?.read(new Uint8Array(1), 0)).rejects.toEqual(failure('GENERATION_GONE', /^a\/none: /u));
  });

  test('a redirect is not followed, and its target gets nothing', async () => {
    const elsewhere = await serveFolder(folder);
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        server.intercept = (_, response) => {
          response.writeHead(status, { location: `${elsewhere.url}a/k?token=${SECRET}` }).end();
          return true;
        };
        for (const attempt of [() => store.get('a/k', 10_000), () => store.head('a/k'), () => opened(), read]) {
          const error = await attempt().catch((reason: unknown) => reason);
          expect(error).toEqual(failure('STORE_FAILED', /redirect to http:\/\/127\.0\.0\.1:\d+\/a\/k, which is not/u));
          expect((error as { details: object }).details).toMatchObject({ status, key: 'a/k' });
          expect(shown(error)).not.toContain(SECRET);
        }
      }
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  test('a server that ignores ranges serves the whole, and nothing else', async () => {
    answerGets((response) => response.writeHead(200, { 'content-length': OBJECT.length, etag: '"1"' }).end(OBJECT));
    await expect(read()).rejects.toEqual(failure('CORRUPT', /status 200 in place of 206/u));
    const whole = new Uint8Array(OBJECT.length);
    await (await opened(store, OBJECT.length)).read(whole, 0);
    expect(whole).toEqual(OBJECT);
    const larger = await opened(store, OBJECT.length + 1);
    await expect(larger.read(new Uint8Array(OBJECT.length + 1), 0)).rejects.toEqual(failure('CORRUPT', /status 200/u));
  });

  test.each([
    ['another range', { 'content-range': 'bytes 11-110/5000' }, 'CORRUPT', /sent bytes 11-110/u],
    ['a shorter range', { 'content-range': 'bytes 10-59/5000', 'content-length': 50 }, 'CORRUPT', /sent bytes 10-59/u],
    ['another size', { 'content-range': 'bytes 10-109/7000' }, 'CORRUPT', /has 7000 bytes/u],
    ['no size', { 'content-range': 'bytes 10-109/*' }, 'CORRUPT', /sent no range/u],
    ['gzip', { 'content-encoding': 'gzip' }, 'STORE_FAILED', /Content-Encoding: gzip.*turn compression off/u],
  ] as const)('a range answered by %s is refused', async (_, headers, code, message) => {
    answerGets((response) => rangeAnswer(response, headers).end(OBJECT.subarray(10, 110)));
    await expect(read()).rejects.toEqual(failure(code, message));
  });

  test('an answer whose range cannot be seen says what a server must expose to a page', async () => {
    answerGets((response) => response.writeHead(206, { 'content-length': 100 }).end(OBJECT.subarray(10, 110)));
    await expect(read()).rejects.toEqual(failure('STORE_FAILED', /Access-Control-Expose-Headers: Content-Range/u));
  });

  test('a whole object that is sent compressed is refused, though fetch would have unpacked it', async () => {
    server.intercept = (_, response) => {
      const body = gzipSync(OBJECT);
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
      return true;
    };
    await expect(store.get('a/k', 10_000)).rejects.toEqual(failure('STORE_FAILED', /Content-Encoding: gzip/u));
    await expect(store.head('a/k')).rejects.toEqual(failure('STORE_FAILED', /Content-Encoding: gzip/u));
  });

  test.each([
    ['ends', (response: ServerResponse) => response.socket?.end()],
    ['is reset', (response: ServerResponse) => response.socket?.resetAndDestroy()],
  ])('a body that %s early is a failure that may pass, and says how far it came', async (_, cut) => {
    answerGets((response) => rangeAnswer(response).write(OBJECT.subarray(10, 50), () => setTimeout(cut, 5, response)));
    const into = new Uint8Array(100);
    const error = await (await opened(store, OBJECT.length)).read(into, 10).catch((reason: unknown) => reason);
    expect(error).toEqual(failure('STORE_FAILED', /^a\/k: the connection ended after \d+ of 100 bytes/u));
    const { filledBytes, isTransient } = (error as { details: { filledBytes: number; isTransient: boolean } }).details;
    expect(isTransient).toBe(true);
    expect(into.subarray(0, filledBytes)).toEqual(OBJECT.slice(10, 10 + filledBytes));
  });

  test('of an endless answer to a small range, what was asked for is read, and the connection ends', async () => {
    let sentBytes = 0;
    let ended = (): void => undefined;
    const closed = new Promise<void>((resolve) => (ended = resolve));
    answerGets((response) => {
      const chunk = Buffer.alloc(2 ** 16);
      response.on('close', ended);
      response.writeHead(206, { 'content-range': 'bytes 10-109/5000', 'content-length': 10e9 });
      const more = (): void => {
        if (response.destroyed || sentBytes > 2 ** 30) return;
        sentBytes += chunk.length;
        response.write(chunk, more);
      };
      more();
    });
    await expect(read()).rejects.toEqual(failure('CORRUPT', /more bytes/u));
    await closed;
    expect(sentBytes).toBeLessThan(2 ** 25); // buffers of sockets
    await expect(store.get('a/k', 1000)).rejects.toEqual(failure('STORE_FAILED', /206/u));
  });

  test.each([{}, { 'content-length': 10e9 }])(
    'of an endless object, no more is read than the limit: %j',
    async (headers) => {
      let sentBytes = 0;
      answerGets((response) => {
        const more = (): void => {
          if (response.destroyed || sentBytes > 2 ** 30) return;
          sentBytes += 2 ** 16;
          response.write(Buffer.alloc(2 ** 16), more);
        };
        response.writeHead(200, headers);
        more();
      });
      await expect(store.get('a/k', 1000)).rejects.toEqual(failure('CORRUPT', /more than the 1000/u));
      expect(sentBytes).toBeLessThan(2 ** 25);
    },
  );

  test('a server that says nothing, or no more, ends in TIMEOUT', async () => {
    const hasty = new HttpStore(server.url, { idleTimeoutMs: 50 });
    const readHastily = async () => (await opened(hasty, OBJECT.length)).read(new Uint8Array(100), 10);
    answerGets(() => undefined);
    await expect(readHastily()).rejects.toEqual(failure('TIMEOUT', /^a\/k: .*nothing was heard for 50 ms/u));
    await expect(hasty.get('a/k', 10_000)).rejects.toEqual(failure('TIMEOUT', /^a\/k: /u));
    answerGets((response) => void rangeAnswer(response).write(OBJECT.subarray(10, 40)));
    const error = await readHastily().catch((reason: unknown) => reason);
    expect(error).toEqual(failure('TIMEOUT', /^a\/k: /u));
    const { isTransient, filledBytes } = (error as { details: { isTransient: boolean; filledBytes: number } }).details;
    expect(isTransient).toBe(true);
    expect([0, 30]).toContain(filledBytes);
    while (server.openAnswers > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test('a server that drips for ever ends in TIMEOUT, and what it gave is right', async () => {
    const large = new Uint8Array(1_000_000).fill(7);
    write('a/k', large);
    const hasty = new HttpStore(server.url, { idleTimeoutMs: 100 });
    const timers: NodeJS.Timeout[] = [];
    answerGets((response, request) => {
      const length = request.headers.range === undefined ? large.length : 500_000;
      const status = request.headers.range === undefined ? 200 : 206;
      response.writeHead(status, {
        'content-length': length,
        ...(status === 206 && { 'content-range': `bytes 0-499999/${large.length}` }),
      });
      timers.push(setInterval(() => void response.write(Buffer.of(7)), 20));
    });
    try {
      const reading = (await opened(hasty, large.length)).read(new Uint8Array(500_000), 0);
      const error = await reading.catch((reason: unknown) => reason);
      expect(error).toEqual(failure('TIMEOUT', /^a\/k: .*less than 16384 bytes came in 400 ms/u));
      const { details } = error as { details: { isTransient: boolean; filledBytes: number } };
      expect(details.isTransient).toBe(true);
      expect(details.filledBytes).toBeGreaterThan(0);
      expect(details.filledBytes).toBeLessThan(1000);
      await expect(hasty.get('a/k', 2 ** 20)).rejects.toEqual(failure('TIMEOUT', /less than 16384 bytes came/u));
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
  });

  test('a server that drips something small is heard to its end', async () => {
    answerGets((response) => {
      let at = 10;
      const timer = setInterval(() => {
        response.write(OBJECT.subarray(at, ++at));
        if (at === 110) clearInterval(timer);
      }, 2);
      rangeAnswer(response).flushHeaders();
    });
    expect(await read()).toEqual(OBJECT.slice(10, 110));
  });

  test.each([
    [503, '2', { isTransient: true, retryAfterMs: 2000 }],
    [429, undefined, { isTransient: true }],
    [500, undefined, { isTransient: true }],
    [403, undefined, { isTransient: false }],
    [418, undefined, { isTransient: false }],
  ])('status %d with Retry-After %s: STORE_FAILED with %j', async (status, after, details) => {
    server.intercept = (_, response) => {
      response.writeHead(status, after === undefined ? {} : { 'retry-after': after }).end(SECRET);
      return true;
    };
    for (const attempt of [() => store.get('a/k', 10_000), () => store.head('a/k'), read]) {
      const error = await attempt().catch((reason: unknown) => reason);
      expect(error).toEqual(failure('STORE_FAILED', new RegExp(`^a/k: .* the server answered ${status}`, 'u')));
      expect((error as { details: object }).details).toMatchObject({ status, ...details });
      expect(shown(error)).not.toContain(SECRET);
    }
  });

  test('a server that is not there is a failure that may pass', async () => {
    await server.close();
    for (const attempt of [() => store.get('a/k', 10_000), () => store.head('a/k'), read]) {
      const error = await attempt().catch((reason: unknown) => reason);
      expect(error).toEqual(failure('STORE_FAILED', /^a\/k: .*there is no connection.*ECONNREFUSED/u));
      expect((error as { details: object }).details).toMatchObject({ isTransient: true, code: 'ECONNREFUSED' });
    }
  });

  test('an abort ends every wait at once with its reason, and the connection', async () => {
    const reason = new Error('enough');
    const patient = new HttpStore(server.url);
    answerGets((response, { headers }) => {
      if (headers.range !== undefined) rangeAnswer(response).write(OBJECT.subarray(10, 40));
    });
    for (const attempt of [
      (signal: AbortSignal) => patient.get('a/k', 10_000, { signal }),
      async (signal: AbortSignal) => (await opened(patient, 5000)).read(new Uint8Array(100), 10, { signal }),
    ]) {
      await expect(attempt(AbortSignal.abort(reason))).rejects.toBe(reason);
      const controller = new AbortController();
      const asked = server.requests.length;
      const attempted = attempt(controller.signal);
      attempted.catch(() => undefined);
      while (server.requests.length === asked) await new Promise((resolve) => setTimeout(resolve, 1));
      controller.abort(reason);
      await expect(attempted).rejects.toBe(reason);
    }
    while (server.openAnswers > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test('a fetch that listens to no signal, or throws, or answers late, is no trap', async () => {
    const never = new HttpStore(server.url, { idleTimeoutMs: 50, fetch: () => new Promise(() => undefined) });
    await expect(never.get('a/k', 1)).rejects.toEqual(failure('TIMEOUT', /^a\/k: /u));
    const throws = new HttpStore(server.url, {
      fetch: () => {
        throw new TypeError(SECRET);
      },
    });
    const error = await throws.head('a/k').catch((reason: unknown) => reason);
    expect(error).toEqual(failure('STORE_FAILED', /^a\/k: /u));
    expect(shown(error)).not.toContain(SECRET);
  });

  test('writes and lists nothing, and says what does', async () => {
    for (const attempt of [
      () => store.put(),
      () => store.create(),
      () => store.delete(),
      () => store.listFolders(),
      () => store.sweep(),
      () => store.list()[Symbol.asyncIterator]().next(),
    ]) {
      await expect(attempt()).rejects.toEqual(failure('UNSUPPORTED', /FileStorage, S3Storage or GCSStorage/u));
    }
    expect(server.requests).toEqual([]);
  });

  test.each([
    ['', /needs a URL/u],
    ['datasets', /needs a URL/u],
    ['ftp://x/y', /http or https, got ftp:/u],
    [`https://me:${SECRET}@example.org/x`, /ends up in logs; give https:\/\/example\.org\/x, and headers/u],
    [`https://${SECRET}@example.org/x`, /ends up in logs/u],
    [`https://me:${SECRET}@[/x`, /needs a URL/u],
    [`https://example.org/x?key=${SECRET}`, /https:\/\/example\.org\/x must have no query/u],
    ['https://example.org/x#y', /no fragment/u],
  ])('refuses the URL %s', (url, message) => {
    const error = thrownBy(() => new HttpStore(url));
    expect(error).toEqual(failure('INVALID_ARGUMENT', message));
    expect(shown(error)).not.toContain(SECRET);
  });

  test('refuses headers that are none, without showing them, and unknown options', () => {
    const error = thrownBy(() => new HttpStore('https://x', { headers: { authorization: `${SECRET}\u0000` } }));
    expect(error).toEqual(failure('INVALID_ARGUMENT', /"authorization" is no header, or its value \(not shown\)/u));
    expect(shown(error)).not.toContain(SECRET);
    expect(thrownBy(() => new HttpStore('https://x', { header: {} } as never))).toEqual(
      failure('INVALID_ARGUMENT', /unknown option "header"/u),
    );
    expect(thrownBy(() => new HttpStore('https://x', { idleTimeoutMs: 0 }))).toEqual(
      failure('INVALID_ARGUMENT', /idleTimeoutMs/u),
    );
  });

  test.each([
    ['https://example.org', 'https://example.org/'],
    ['https://example.org/a/b', 'https://example.org/a/b/'],
    ['https://example.org/a/../b//', 'https://example.org/b/'],
  ])('%s is described as %s', (url, description) => {
    expect(new HttpStore(new URL(url)).description).toBe(description);
  });
});

/** All that a log could show of an error. */
function shown(error: unknown): string {
  const { message, details, cause, stack } = error as Error & { details: unknown };
  return [message, JSON.stringify(details), String(cause), stack].join('\n');
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('did not throw');
}
