import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { openHub } from '../../dist/source/hub/hub.js';
import { openHubSource } from '../../dist/source/hub/hub-source.js';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { textsOf } from '../source/read-units.js';

jest.setTimeout(60_000);
const INFO = { _id: '1', id: 'me/data', sha: 'a'.repeat(40), lastModified: '2024-01-01T00:00:00.000Z' };
/** The git blob `abc`. */
const FILE = { type: 'file', path: 'train.txt', size: 3, oid: 'f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f' };

interface Answers {
  readonly info?: object;
  readonly list?: unknown;
  readonly isEndless?: boolean;
  readonly file?: RequestListener;
}

/** Reads a dataset of a server that answers what it likes. */
async function read(answers: Answers, directory = tempFolder()): Promise<unknown> {
  const { info = INFO, list = [FILE], isEndless = false, file = (_, response) => response.end('abc') } = answers;
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    if (url.includes('/revision/')) response.end(JSON.stringify(info));
    else if (!url.includes('/tree/')) file(request, response);
    else {
      if (isEndless) response.setHeader('Link', `<http://${headers.host}${url}>; rel="next"`);
      response.end(JSON.stringify(list));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const hub = openHub({ hubUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, directory });
    return await textsOf(await openHubSource(hub, { datasetName: 'me/data', columns: ['text'] }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const endless: RequestListener = (_, response) => {
  const block = Buffer.alloc(1 << 20, 0x20);
  const send = (): void => {
    while (!response.destroyed && response.write(block));
    response.once('drain', send);
  };
  send();
};

test.each<[string, Answers, RegExp]>([
  ['pages without end', { isEndless: true, list: [] }, /more than 2000 pages/u],
  ['a path that leads out', { list: [{ ...FILE, path: '../../api/whoami.txt' }] }, /is no path/u],
  ['a path that is none', { list: [{ ...FILE, path: 5 }] }, /is no path/u],
  ['a size that is none', { list: [{ ...FILE, lfs: { oid: 'b'.repeat(64), size: 'x' } }], file: endless }, /a size/u],
  ['a size below 0', { list: [{ ...FILE, size: -5 }] }, /a size/u],
  ['more bytes than listed', { file: endless }, /sent more than the 3 bytes/u],
])('a hub that lists %s is refused', async (_, answers, message) => {
  const directory = tempFolder();
  await expect(read(answers, directory)).rejects.toEqual(failure('CORRUPT', message));
});

test.each([{ id: '../../x?y=' }, { sha: 'a/../../b' }, { sha: 'a'.repeat(1000) }])(
  'a dataset that calls itself %j is refused',
  async (changes) => {
    await expect(read({ info: { ...INFO, ...changes } })).rejects.toEqual(
      failure('STORE_FAILED', /no name and commit/u),
    );
  },
);

test('an answer without end is refused', async () => {
  const server = createServer(endless);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hub = openHub({ hubUrl, directory: tempFolder() });
  const opened = openHubSource(hub, { datasetName: 'me/data', columns: ['text'] });
  await expect(opened).rejects.toEqual(failure('CORRUPT', /an answer of more than 67108864 bytes/u));
  server.closeAllConnections();
  server.close();
});

test('a download is not cut for being long, only for silence', async () => {
  const timers = jest.spyOn(AbortSignal, 'timeout');
  const requests: (string | undefined)[] = [];
  const texts = await read({
    file: (request, response) => {
      requests.push(request.headers.range);
      response.write('a');
      setImmediate(() => response.end('bc'));
    },
  });
  expect([texts, requests]).toEqual([['abc'], [undefined]]);
  expect(timers).not.toHaveBeenCalled(); // such a signal ends the body too
});

test('a folder for downloads that is none is told, with a code', async () => {
  const directory = join(tempFolder(), 'file');
  writeFileSync(directory, '');
  await expect(read({}, directory)).rejects.toEqual(failure('STORE_FAILED', /ENOTDIR/u));
});

test('what is refused leaves nothing that is taken for whole', async () => {
  const directory = tempFolder();
  await expect(read({ file: (_, response) => response.end('abd') }, directory)).rejects.toMatchObject({
    code: 'CORRUPT',
  });
  expect(readdirSync(directory)).toEqual([]);
  expect(await read({}, directory)).toEqual(['abc']);
});

test('a password in the URL of a hub is refused, and told to nobody', () => {
  expect(() => openHub({ hubUrl: 'https://:secret@hub.example', directory: 'x' })).toThrow(
    failure('INVALID_ARGUMENT', /^(?!.*secret).*give a token/u),
  );
});
