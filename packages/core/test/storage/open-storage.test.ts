import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { isDataRefError, openStorage } from '@dataref/core';
import { withCache } from '@dataref/core/cache';
import { HttpStore } from '@dataref/core/http';
import { ObjectStorage, withRetry } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { serveFolder } from '../servers/file-server.js';
import { tempFolder } from '../temp-folder.js';

const CORE = fileURLToPath(new URL('../..', import.meta.url));

/** What a program says that runs with nothing but core and what it cannot do without. */
async function runWithCoreAlone(program: string, ...options: readonly string[]): Promise<unknown> {
  const modules = join(tempFolder(), 'node_modules');
  const core = join(modules, '@dataref/core');
  mkdirSync(core, { recursive: true });
  for (const name of ['package.json', 'dist']) cpSync(join(CORE, name), join(core, name), { recursive: true });
  mkdirSync(join(modules, '@noble'));
  symlinkSync(join(CORE, '../../node_modules/@noble/hashes'), join(modules, '@noble/hashes'));
  const report = `const failure = (promise) => promise.then(() => 'none', ({ code, message }) => [code, message]);`;
  const args = [...options, '--input-type=module', '-e', `${report}${program}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dirname(modules), timeout: 60_000 });
  return JSON.parse(stdout);
}

test('without their SDKs buckets can be named, and the first use says what to install', async () => {
  const failures = await runWithCoreAlone(`
    const { openStorage } = await import('@dataref/core');
    const s3 = await openStorage('s3://bucket/a', { clientConfig: { region: 'us-east-1' } });
    console.log(JSON.stringify(await failure(s3.has('a', '1'))));
  `);
  expect(failures).toEqual(['MISSING_PACKAGE', expect.stringContaining('npm i @aws-sdk/client-s3')]);
}, 60_000);

test('in a bundle for browsers the storages that need Node are names that say so', async () => {
  const failures = await runWithCoreAlone(
    `
    const { openStorage } = await import('@dataref/core');
    const urls = ['file:./data', 's3://bucket', 'gs://bucket', 'https://example.org/'];
    console.log(JSON.stringify(await Promise.all(urls.map((url) => failure(openStorage(url))))));
  `,
    '--conditions=browser',
  );
  expect(failures).toEqual([
    ['UNSUPPORTED', expect.stringContaining('FileStorage needs Node')],
    ['UNSUPPORTED', expect.stringContaining('S3Storage needs Node')],
    ['UNSUPPORTED', expect.stringContaining('GCSStorage needs Node')],
    'none',
  ]);
}, 60_000);

describe('openStorage', () => {
  test.each([
    ['data', /needs a URL: 's3:.*'file:\.\/data'; got "data"; a folder is "file:\.\/data"$/],
    ['./data', /got "\.\/data"; a folder is "file:\.\/data"$/],
    ['/data', /got "\/data"; a folder is "file:\/data"$/],
    ['data?secret', /got another text$/],
    ['', /got ""$/],
    ['ftp://user:secret@host/', /no storage for ftp: URLs; there are 's3:.*'gs:.*'https:.*'file:\.\/data'$/],
    ['gs://b/c', /"b" is no name of a bucket, which has 3 to 222 lowercase letters, digits/],
    ['s3://', /'s3:\/\/bucket\/prefix'$/],
    ['s3://key:secret@bucket/a', /'s3:\/\/bucket\/prefix'$/],
    ['s3://bucket/a?secret', /'s3:\/\/bucket\/prefix'$/],
    ['s3://bucket/../a', /prefix must be like/],
    ['file:///a?secret', /a path alone/],
    ['file://secret/a', /a path alone/],
  ])('refuses %s, and shows nothing of it that may be secret', async (url, message) => {
    const error: unknown = await openStorage(url).catch((reason: unknown) => reason);
    expect(error).toEqual(failure('INVALID_ARGUMENT', message));
    expect(isDataRefError(error) && JSON.stringify([error.message, error.details])).not.toMatch(/secret/);
  });

  test('refuses options that the storage of the URL has not', async () => {
    const clientConfig = {};
    await expect(openStorage('file:./data', { clientConfig })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /FileStorage: unknown option "clientConfig"/),
    );
    await expect(openStorage('s3://b', { verifyReads: true })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /S3Storage: unknown option "verifyReads"/),
    );
  });

  test('refuses a cache where there is none, and says what to do', async () => {
    const cache = { directory: tempFolder(), limitBytes: 2 ** 20 };
    await expect(openStorage('https://example.org/', { cache, read: 'auto' })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /unknown option "cache", "read".*withCache\(.* read: .* goes to withCache/),
    );
    await expect(openStorage('file:./data', { cache })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /unknown option "cache".* on a disk already, leave it out/),
    );
  });

  test('what it says to do for a cache in front of a server does it', async () => {
    const folder = tempFolder();
    const records = Array.from({ length: 100 }, (_, i) => ({ id: i, image: new Uint8Array(50).fill(i) }));
    await (await openStorage(`file:${folder}`)).submit(records, 'a', '1');
    const server = await serveFolder(folder);
    const cache = { directory: tempFolder(), limitBytes: 2 ** 20 };
    const store = withCache(withRetry(new HttpStore(server.url)), { ...cache, read: 'parts' });
    try {
      const dataref = await new ObjectStorage(store, { memoryLimitBytes: 0 }).fetch('a', '1');
      for (const i of [3, 99, 5]) expect(await dataref.at(i)).toMatchObject({ id: i });
      expect(server.requests.filter(({ url }) => url?.endsWith('.arrow'))).toHaveLength(1);
    } finally {
      await store.close();
      await server.close();
    }
  });

  test.each(['s3', 'gs'])(
    'refuses options that contradict a URL of %s:, and takes those that repeat it',
    async (scheme) => {
      const url = `${scheme}://bucket/p`;
      await expect(openStorage(url, { bucket: 'other' } as object)).rejects.toEqual(
        failure('INVALID_ARGUMENT', /the URL names the bucket "bucket", the options "other": leave bucket out/),
      );
      await expect(openStorage(url, { prefix: 'q' } as object)).rejects.toEqual(
        failure('INVALID_ARGUMENT', /the URL names the prefix "p", the options "q": leave prefix out/),
      );
      await openStorage(url, { bucket: 'bucket', prefix: 'p' } as object);
    },
  );

  test('takes folders, absolute and relative', async () => {
    for (const [url, directory] of [
      ['file:///no-such-root/a%20b', '/no-such-root/a b'],
      [new URL('file:///no-such-root/x'), '/no-such-root/x'],
      ['file:./a%20b/c', `${process.cwd()}/a b/c`],
      ['file:data', `${process.cwd()}/data`],
    ] as const)
      expect(await openStorage(url)).toMatchObject({ directory });
  });
});
