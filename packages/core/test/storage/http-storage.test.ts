import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromColumns, ndarray, openStorage } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { HttpStorage } from '@dataref/core/http';
import { resumeSuite } from '@dataref/core/testing';
import { crc32 } from '../../dist/checksum/crc32.js';
import { FileStore } from '../../dist/store/file-store.js';
import { failure } from '../expect-error.js';
import { type FileServer, serveFolder } from '../servers/file-server.js';
import { storeInParts } from '../stream/store-in-parts.js';
import { tempFolder } from '../temp-folder.js';

jest.setTimeout(600_000);

const LENGTH = 1000;
const SECRET = 'not-to-be-told';

function dataset() {
  const image = ndarray(
    Uint8Array.from({ length: LENGTH * 400 }, (_, i) => (i * 7 + (i >> 9)) & 255),
    [LENGTH, 400],
  );
  const name = Array.from({ length: LENGTH }, (_, i) => 'n'.repeat(i % 5) + i);
  return fromColumns({ id: Int32Array.from({ length: LENGTH }, (_, i) => i), image, name });
}

describe('HttpStorage', () => {
  let folder: string;
  let server: FileServer;
  let storage: HttpStorage;

  beforeEach(async () => {
    folder = tempFolder();
    server = await serveFolder(folder);
    storage = new HttpStorage(server.url, { headers: { authorization: SECRET } });
  });
  afterEach(() => server.close());

  test('says where the server is that does not answer, and with what code', async () => {
    const { port } = new URL(server.url);
    await server.close();
    const gone = new HttpStorage(`http://127.0.0.1:${port}/data`, {
      headers: { authorization: SECRET },
    });
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void) => setImmediate(run)) as never);
    const error: unknown = await gone.fetch('a', '1').catch((reason: unknown) => reason);
    jest.restoreAllMocks();
    expect(error).toEqual(
      failure(
        'STORE_FAILED',
        new RegExp(`http://127\\.0\\.0\\.1:${port}/data/: a/1/dataset\\.json: .*ECONNREFUSED.*given up`),
      ),
    );
    expect(String(error)).not.toContain(SECRET);
    await expect(new HttpStorage('http://localhost:1/data').fetch('a', '1')).rejects.toEqual(
      failure('STORE_FAILED', /^http:\/\/localhost:1\/data\/: .*fetch refuses this port/),
    );
    expect(() => new HttpStorage('localhost/data')).toThrow(
      failure('INVALID_ARGUMENT', /^HttpStorage needs a URL .*got "localhost\/data"$/),
    );
  });

  test.each([0, undefined])(
    'streams a dataset of several parts as a folder does (memoryLimitBytes: %s)',
    async (limit) => {
      await storeInParts(new FileStore(folder), dataset(), 'a', '1.0', 300);
      const near = await new FileStorage(folder).fetch('a', '1.0');
      const far = await new HttpStorage(server.url, { memoryLimitBytes: limit }).fetch('a', '1.0');
      expect([far.fingerprint, far.length, far.schema]).toEqual([near.fingerprint, LENGTH, near.schema]);
      const options = { shuffle: true, shuffleSeed: 5 } as const;
      const expected = near.stream(options).repeat(2).batch(64)[Symbol.asyncIterator]();
      let batches = 0;
      for await (const batch of far.stream(options).repeat(2).batch(64)) {
        const other = await expected.next();
        expect(batch.records()).toEqual(other.value.records());
        batches++;
      }
      expect([batches, (await expected.next()).done]).toEqual([Math.ceil((2 * LENGTH) / 64), true]);
      expect(await far.at(-1)).toEqual(await near.at(-1));
      expect(await storage.verify('a', '1.0')).toEqual({ ok: true, problems: [] });
      expect(await storage.has('a', '1.0')).toBe(true);
      expect(await storage.info('a', '1.0')).toEqual(await new FileStorage(folder).info('a', '1.0'));
    },
  );

  test('takes the state of a stream on to another storage', async () => {
    await storeInParts(new FileStore(folder), dataset(), 'a', '1.0', 300);
    const near = (await new FileStorage(folder).fetch('a', '1.0')).stream({ shuffle: true, shuffleSeed: 5 }).batch(64);
    const all: unknown[] = [];
    let state: unknown;
    for await (const batch of near) {
      all.push(batch.records());
      if (all.length === 4) state = batch.state;
    }
    const far = (await storage.fetch('a', '1.0')).stream({ shuffle: true, shuffleSeed: 5 }).batch(64);
    const rest: unknown[] = [];
    for await (const batch of far.resume(JSON.parse(JSON.stringify(state)))) rest.push(batch.records());
    expect(rest).toEqual(all.slice(4));
    expect(JSON.stringify(state)).not.toContain(SECRET);
  });

  test('says what is not there without a list', async () => {
    await expect(storage.fetch('a', '1.0')).rejects.toEqual(
      failure('NOT_FOUND', new RegExp(`^no dataset a@1\\.0 in ${server.url}$`, 'u')),
    );
    await expect(storage.info('a', '1.0')).rejects.toEqual(failure('NOT_FOUND', /a@1\.0/u));
    expect(await storage.has('a', '1.0')).toBe(false);
  });

  test('writes and lists nothing, and asks for nothing either', async () => {
    const list = async () => {
      for await (const _ of storage.list());
    };
    for (const [operation, attempt] of [
      ['submit', () => storage.submit([1], 'a', '1')],
      ['delete', () => storage.delete('a', '1')],
      ['vacuum', () => storage.vacuum()],
      ['list', list],
    ] as const)
      await expect(attempt()).rejects.toEqual(
        failure('UNSUPPORTED', new RegExp(`: ${operation} is not possible.*FileStorage, S3Storage or GCSStorage`, 'u')),
      );
    expect(server.requests).toEqual([]);
  });

  test('a dataset that is replaced while it is read is gone', async () => {
    await storeInParts(new FileStore(folder), dataset(), 'a', '1.0', 300);
    const far = await new HttpStorage(server.url, { memoryLimitBytes: 0 }).fetch('a', '1.0');
    // Several epochs: what was read ahead before the delete is as it was.
    const stream = far.stream().repeat(9).batch(100)[Symbol.asyncIterator]();
    await stream.next();
    await new FileStorage(folder).delete('a', '1.0');
    await expect(
      (async () => {
        while ((await stream.next()).done !== true);
      })(),
    ).rejects.toEqual(failure('GENERATION_GONE', /data\/|a@1\.0/u));
  });

  test('bytes that were changed on their way are seen by their checksum', async () => {
    await storeInParts(new FileStore(folder), dataset(), 'a', '1.0', 300);
    server.intercept = ({ url = '' }, response) => {
      if (!url.endsWith('.arrow')) return false;
      const write = response.write.bind(response) as (chunk: Buffer, ...rest: unknown[]) => boolean;
      const flip = (chunk: Buffer, ...rest: unknown[]): boolean => {
        chunk[chunk.length >> 1] = (chunk[chunk.length >> 1] ?? 0) ^ 1;
        return write(chunk, ...rest);
      };
      response.write = flip as typeof response.write;
      return false;
    };
    const far = await new HttpStorage(server.url, { memoryLimitBytes: 0 }).fetch('a', '1.0');
    await expect(
      (async () => {
        for await (const _ of far.stream({ shuffle: true, shuffleSeed: 1 }).batch(10));
      })(),
    ).rejects.toEqual(failure('CORRUPT', /a@1\.0/u));
  });

  test.each([
    ['generation', '../../../b/1/data/0123456789abcdef'],
    ['generation', '..'],
    ['generation', 'https://elsewhere.test/'],
    ['id', '../b'],
    ['version', '..'],
  ])('a manifest whose %s is %s leads nowhere', async (name, value) => {
    await storeInParts(new FileStore(folder), dataset(), 'a', '1.0', 300);
    const path = join(folder, 'a/1.0/dataset.json');
    const text = readFileSync(path, 'utf8').replace(new RegExp(`"${name}": "[^"]*"`, 'u'), `"${name}": "${value}"`);
    const body = text.slice(0, text.lastIndexOf(',\n  "crc32"'));
    const bytes = new TextEncoder().encode(body);
    writeFileSync(path, `${body},\n  "crc32": ${crc32(bytes)}\n}\n`);
    await expect(storage.fetch('a', '1.0')).rejects.toEqual(
      failure('CORRUPT', new RegExp(`dataset.json: .*${name === 'generation' ? 'generation' : 'manifest of'}`, 'u')),
    );
    expect(new Set(server.requests.map(({ url }) => url))).toEqual(new Set(['/a/1.0/dataset.json']));
  });

  test('no id or version leads outside of the URL', async () => {
    mkdirSync(join(folder, 'sub'));
    const below = new HttpStorage(`${server.url}sub`);
    for (const [id, version] of [
      ['..', '1'],
      ['../a', '1.0'],
      ['a', '../../a'],
      ['/a', '1.0'],
    ] as const)
      await expect(below.fetch(id, version)).rejects.toEqual(failure('INVALID_ID', /./u));
    await expect(below.fetch('%2e%2e', 'a/1.0')).rejects.toEqual(failure('NOT_FOUND', /./u));
    expect(server.requests.every(({ url }) => url?.startsWith('/sub/%25'))).toBe(true);
  });

  test('headers are in no error', async () => {
    server.intercept = (_, response) => {
      response.writeHead(403, { 'www-authenticate': SECRET }).end(SECRET);
      return true;
    };
    const error: unknown = await storage.fetch('a', '1.0').catch((reason: unknown) => reason);
    expect(error).toEqual(failure('STORE_FAILED', /403; the credentials do not allow this/u));
    const { message, stack, details } = error as Error & { details: unknown };
    expect([message, stack, JSON.stringify(details), JSON.stringify(storage)].join('\n')).not.toContain(SECRET);
  });

  test('openStorage opens a URL', async () => {
    await new FileStorage(folder).submit([1, 2, 3], 'x', '1');
    const opened = await openStorage(server.url, { headers: { authorization: SECRET } });
    expect(opened).toMatchObject({ url: server.url });
    expect(await (await opened.fetch('x', '1')).at(1)).toBe(2);
    expect(server.requests[0]?.headers.authorization).toBe(SECRET);
    await expect(openStorage('https://me:secret@example.org/x')).rejects.toEqual(
      failure('INVALID_ARGUMENT', /ends up in logs/u),
    );
  });

  test('refuses unknown options', () => {
    expect(() => new HttpStorage('https://x', { cache: {} } as never)).toThrow(
      failure('INVALID_ARGUMENT', /HttpStorage: unknown option "cache"/u),
    );
  });
});

describe('a stream over parts behind a server keeps what streams promise', () => {
  let server: FileServer;
  beforeAll(async () => {
    const folder = tempFolder();
    await storeInParts(new FileStore(folder), dataset().slice(0, 23), 'small', '1', 6);
    server = await serveFolder(folder);
  });
  afterAll(() => server.close());
  const pipeline = async () => {
    const dataref = await new HttpStorage(server.url, { memoryLimitBytes: 0 }).fetch('small', '1');
    return dataref.stream({ shuffle: true, shuffleSeed: 3, shardRank: 1, numShards: 2 }).repeat(2).batch(5);
  };
  for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
});
