import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isDataRefError, type DataRefError } from '@dataref/core';
import { S3Store } from '@dataref/core/s3';
import { failure } from '../expect-error.js';
import { clientConfigOf } from '../servers/moto-buckets.js';
import { s3Failure, type Script, type ScriptedServer, startScripted } from '../servers/scripted-server.js';

let server: ScriptedServer;
let store: S3Store;
beforeAll(async () => {
  server = await startScripted();
});
afterAll(() => server.close());
beforeEach(() => {
  store = new S3Store({ bucket: 'bucket', prefix: 'p', clientConfig: clientConfigOf(server), idleTimeoutMs: 300 });
  server.requests.length = 0;
});

async function errorOf(script: Script, attempt: () => Promise<unknown>): Promise<DataRefError> {
  server.script = script;
  const error: unknown = await attempt().catch((reason: unknown) => reason);
  if (!isDataRefError(error)) throw new Error(`no DataRefError: ${String(error)}`);
  return error;
}

const OPERATIONS: readonly [string, () => Promise<unknown>][] = [
  ['head', () => store.head('a/k')],
  ['get', () => store.get('a/k', 1000)],
  ['read', async () => (await store.open('a/k', { byteLength: 10 }))?.read(new Uint8Array(5), 0)],
  ['put', () => store.put('a/k', new Uint8Array(3))],
  ['list', async () => store.list('')[Symbol.asyncIterator]().next()],
  ['listFolders', () => store.listFolders('')],
  ['sweep', () => store.sweep()],
];

describe.each(OPERATIONS)('%s', (name, attempt) => {
  test.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [408, 'RequestTimeout'],
    [409, 'ConditionalRequestConflict'],
  ])('answered by %p %s fails with what may pass, after one attempt', async (status, code) => {
    const error = await errorOf(s3Failure(status, code, { 'retry-after': '7' }), attempt);
    expect(error).toEqual(failure('STORE_FAILED', new RegExp(`status ${status}`, 'u')));
    expect(error.details).toMatchObject({ isTransient: true, status, requestId: 'REQ1', retryAfterMs: 7000 });
    expect(server.requests.length).toBe(1);
  });

  test.each([
    [403, 'SignatureDoesNotMatch', /access was denied: check the credentials/],
    [403, 'RequestTimeTooSkewed', name === 'head' ? /access was denied/ : /clock is wrong/],
    [301, 'PermanentRedirect', /in another region or place, and redirects are not followed/],
    [307, 'TemporaryRedirect', /redirects are not followed/],
    [400, 'InvalidRequest', /status 400/],
  ])('answered by %p %s fails for good, and follows no one', async (status, code, message) => {
    const error = await errorOf(s3Failure(status, code, { location: `${server.endpoint}/elsewhere` }), attempt);
    expect(error).toEqual(failure('STORE_FAILED', message));
    expect(error.details).not.toHaveProperty('isTransient');
    expect(server.requests.filter((request) => request.includes('elsewhere'))).toEqual([]);
  });

  test('that is reset, refused or never answered fails with what may pass', async () => {
    const reset = await errorOf((request) => void request.socket.resetAndDestroy(), attempt);
    expect(reset).toEqual(failure('STORE_FAILED', /ECONNRESET/));
    const silent = await errorOf(() => undefined, attempt);
    expect(silent).toEqual(failure('TIMEOUT', /nothing was heard for \d+ ms/));
    if (name !== 'read' && name !== 'get') expect(silent.message).toMatch(/^s3:\/\/bucket\/p\//);
    const { port } = server;
    store = new S3Store({ bucket: 'b', clientConfig: clientConfigOf({ endpoint: 'http://127.0.0.1:1' }) });
    const refused = await errorOf(() => undefined, attempt);
    expect(refused).toEqual(failure('STORE_FAILED', /ECONNREFUSED/));
    expect(port).not.toBe(1);
    for (const error of [reset, silent, refused]) expect(error.details).toMatchObject({ isTransient: true });
  });

  test('ends at once with the reason of its signal', async () => {
    if (name === 'read') return; // takes it in read(), see ranged-reader.test.ts
    server.script = () => undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const attempts: Record<string, () => Promise<unknown>> = {
      head: () => store.head('k', { signal }),
      get: () => store.get('k', 10, { signal }),
      put: () => store.put('k', new Uint8Array(1), { signal }),
      list: async () => store.list('', { signal })[Symbol.asyncIterator]().next(),
      listFolders: () => store.listFolders('', { signal }),
      sweep: () => store.sweep({ signal }),
    };
    const reason = new Error('enough');
    const rejected = expect(attempts[name]?.()).rejects.toBe(reason);
    controller.abort(reason);
    await rejected;
  });
});

/** Sends without end, and counts. */
function endless(status: number, headers: Record<string, string>, beginning = '') {
  const sent = { bytes: 0, isClosed: false };
  const script: Script = (_, response) => {
    response.writeHead(status, { etag: '"v"', ...headers });
    response.on('close', () => void (sent.isClosed = true));
    response.write(beginning);
    const chunk = Buffer.alloc(65_536, 32);
    const more = (): void => {
      if (sent.isClosed) return;
      sent.bytes += chunk.length;
      if (response.write(chunk)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  };
  return { sent, script };
}

describe('an answer that never ends', () => {
  beforeEach(() => {
    store = new S3Store({ bucket: 'bucket', clientConfig: clientConfigOf(server), idleTimeoutMs: 20_000 });
  });
  const beginning = '<?xml version="1.0"?><ListBucketResult>';
  const answered = OPERATIONS.filter(([name]) => name !== 'head'); // HEAD has no body

  test.each(answered.filter(([name]) => name !== 'read' && name !== 'get'))(
    'to %s fails for good once it is larger than any',
    async (_, attempt) => {
      const { sent, script } = endless(200, { 'content-type': 'application/xml' }, beginning);
      const error = await errorOf(script, attempt);
      expect(error).toEqual(failure('CORRUPT', /^s3:\/\/bucket\/: the server's answer has more than 16777216 bytes/));
      expect(error.details).not.toHaveProperty('isTransient');
      expect(sent.bytes).toBeLessThan(32 * 2 ** 20);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(sent.isClosed).toBe(true);
    },
  );

  test.each(answered)('of a failure to %s is read no further than any is long', async (_, attempt) => {
    for (const status of [400, 503]) {
      const { sent, script } = endless(status, { 'content-type': 'application/xml' }, '<?xml version="1.0"?><Error>');
      const error = await errorOf(script, attempt);
      expect(error).toEqual(failure('CORRUPT', /answer has more than 65536 bytes/));
      expect(error.details).not.toHaveProperty('isTransient');
      expect(sent.bytes).toBeLessThan(16 * 2 ** 20);
    }
  });
});

describe('a put', () => {
  test('whose condition does not hold is undefined', async () => {
    server.script = s3Failure(412, 'PreconditionFailed');
    expect(await store.put('k', new Uint8Array(1), { ifAbsent: true })).toBeUndefined();
    expect(await store.put('k', new Uint8Array(1), { ifVersion: '"x"' })).toBeUndefined();
    server.script = s3Failure(404, 'NoSuchKey');
    expect(await store.put('k', new Uint8Array(1), { ifVersion: '"x"' })).toBeUndefined();
  });

  test('into a bucket that is not there fails', async () => {
    for (const options of [{}, { ifAbsent: true }, { ifVersion: '"x"' }]) {
      const error = await errorOf(s3Failure(404, 'NoSuchBucket'), () => store.put('k', new Uint8Array(1), options));
      expect(error).toEqual(failure('STORE_FAILED', /s3:\/\/bucket\/p\/: .*there is no such bucket/));
      expect(error.details).not.toHaveProperty('isTransient');
    }
  });
});

describe('a read', () => {
  const read = async (length = 1000) => (await store.open('k', { byteLength: 5000 }))?.read(new Uint8Array(length), 0);

  test.each<[string, number, Record<string, string>]>([
    ['the whole object', 200, { 'content-length': String(10 * 2 ** 30) }],
    [
      'another range',
      206,
      { 'content-length': String(10 * 2 ** 30), 'content-range': 'bytes 0-10737418239/10737418240' },
    ],
    ['more than its range', 206, { 'content-range': 'bytes 0-999/5000' }],
  ])('that is sent ten gigabytes, %s, stops at once', async (_, status, headers) => {
    const { sent, script } = endless(status, headers);
    const error = await errorOf(script, read);
    expect(error.code).toBe('CORRUPT');
    while (!sent.isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(sent.bytes).toBeLessThan(64 * 2 ** 20); // what sockets hold
  });

  test('of what is gone, or was replaced, says so', async () => {
    expect((await errorOf(s3Failure(404, 'NoSuchKey'), read)).code).toBe('GENERATION_GONE');
    expect((await errorOf(s3Failure(412, 'PreconditionFailed'), read)).code).toBe('GENERATION_GONE');
    expect((await errorOf(s3Failure(416, 'InvalidRange'), read)).code).toBe('CORRUPT');
  });

  test('that is cut off tells how many bytes are right', async () => {
    const script: Script = (_, response) => {
      response.writeHead(206, { etag: '"v"', 'content-range': 'bytes 0-999/5000', 'content-length': '1000' });
      response.write(Buffer.alloc(600, 1), () => setTimeout(() => response.destroy(), 50));
    };
    const into = new Uint8Array(1000);
    const reader = await store.open('k', { byteLength: 5000 });
    const error = await errorOf(script, async () => reader?.read(into, 0));
    expect(error.details).toMatchObject({ isTransient: true, filledBytes: 600 });
    expect(into.findIndex((byte) => byte !== 1)).toBe(600);
  });
});

describe('get', () => {
  test('reads nothing of an object that is larger than its limit', async () => {
    const state = { isClosed: false };
    const script: Script = (_, response) => {
      response.writeHead(200, { etag: '"v"', 'content-length': String(10 * 2 ** 30) });
      response.write(Buffer.alloc(1000));
      response.on('close', () => void (state.isClosed = true));
    };
    const error = await errorOf(script, () => store.get('k', 1000));
    expect(error).toEqual(failure('CORRUPT', /more than the 1000/));
    while (!state.isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('a listing', () => {
  const page = (keys: readonly string[], more: string): string =>
    `<?xml version="1.0"?><ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size><LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>`).join('')}${more}</ListBucketResult>`;
  const truncated = (token: string): string =>
    `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;
  const pages = (make: (count: number) => string): Script => {
    let count = 0;
    return (_, response) => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(make(count++));
    };
  };
  const keysOf = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    return keys;
  };

  test.each<[string, (count: number) => string]>([
    ['leads back to a page', (count) => page([`p/k${count}`], truncated('same'))],
    ['gives a page again', () => page(['p/k'], truncated(String(Math.random())))],
    ['goes round in a circle', (count) => page([`p/k${count % 3}`], truncated(String(count)))],
    ['has more, but not where', () => page(['p/k'], '<IsTruncated>true</IsTruncated>')],
    ['gives empty pages for ever', (count) => page([], truncated(String(count)))],
  ])('that %s is an error', async (_, make) => {
    expect(await errorOf(pages(make), keysOf)).toEqual(
      failure('CORRUPT', /s3:\/\/bucket\/p\/: the listing would never end/),
    );
  });

  test.each<[string, string]>([
    ['a page of HTML', '<html><head><title>Login</title></head><body>SECRET</body></html>'],
    ['HTML that is no XML', `<!doctype html><p>SECRET<br>${'x'.repeat(5000)}`],
    ['nothing', ''],
    ['another answer of S3', '<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'],
    ['a failure', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  ])('that is %s is refused, and is no empty one', async (_, body) => {
    for (const attempt of [keysOf, () => store.listFolders('')]) {
      const error = await errorOf(
        pages(() => body),
        attempt,
      );
      expect(error).toEqual(failure('CORRUPT', /^s3:\/\/bucket\/p\/: the server's answer to a listing is none/));
      expect(error.message).not.toContain('SECRET');
    }
  });

  test('with nothing on it is empty', async () => {
    server.script = pages(() => page([], '<IsTruncated>false</IsTruncated>'));
    expect(await keysOf()).toEqual([]);
  });

  test.each<[string, RegExp, string]>([
    [
      'a name',
      /has a name of 5000 characters, p\/y{58}…; none has more than 1024/,
      page([`p/${'y'.repeat(4998)}`], ''),
    ],
    ['a token', /has a token of 9000 characters/, page(['p/k'], truncated('t'.repeat(9000)))],
  ])('with %s that is longer than any is refused', async (_, message, body) => {
    expect(
      await errorOf(
        pages(() => body),
        keysOf,
      ),
    ).toEqual(failure('CORRUPT', message));
    expect(server.requests).toHaveLength(1);
  });

  test('passes over what is not below the prefix, and what is no key of ours', async () => {
    const keys = ['p/a', 'q/secret', 'p/../b', 'p/x y', 'p/', 'p/folder/', 'p', 'p/b/c', '../p/a', 'p//a', 'p/a%2Fb'];
    server.script = pages(() => page(keys, ''));
    expect(await keysOf()).toEqual(['a', 'b/c', 'a%2Fb']);
  });

  test('whose answer is cut off fails with what may pass', async () => {
    const cut: Script = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('<?xml version="1.0"?><ListBucketResult><Contents>', () => response.destroy());
    };
    expect((await errorOf(cut, keysOf)).details).toMatchObject({ isTransient: true });
  });
});

describe('a sweep', () => {
  test('ends uploads that were begun more than a day ago, and none that are younger', async () => {
    const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3600 * 1000).toISOString();
    const uploads = [25, 23, 0, 48].map(
      (hours, i) =>
        `<Upload><Key>p/a/1/data/0123456789abcdef/0000000${i}.head</Key><UploadId>U${i}</UploadId><Initiated>${hoursAgo(hours)}</Initiated></Upload>`,
    );
    const pages = [
      `${uploads[0]}${uploads[1]}<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>U1</NextUploadIdMarker>`,
      `${uploads[2]}${uploads[3]}<IsTruncated>false</IsTruncated>`,
    ];
    server.script = (request, response) => {
      if (request.method === 'DELETE') {
        response.writeHead(204).end();
        return;
      }
      const isUploads = /[?&]uploads/u.test(request.url ?? '');
      const page = request.url?.includes('key-marker=k') === true ? pages[1] : pages[0];
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        isUploads
          ? `<ListMultipartUploadsResult>${page}</ListMultipartUploadsResult>`
          : '<ListPartsResult><Part><PartNumber>1</PartNumber><Size>70</Size></Part><Part><PartNumber>2</PartNumber><Size>7</Size></Part></ListPartsResult>',
      );
    };
    expect(await store.sweep()).toBe(154);
    const ended = server.requests.filter((request) => request.startsWith('DELETE'));
    expect(ended.map((request) => /uploadId=(U\d)/u.exec(request)?.[1])).toEqual(['U0', 'U3']);
  });
});
