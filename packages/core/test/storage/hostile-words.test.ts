import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { field, isDataRefError } from '@dataref/core';
import { GCSStorage } from '@dataref/core/gcs';
import { HttpStorage } from '@dataref/core/http';
import { S3Storage } from '@dataref/core/s3';
import { MemoryStore } from '@dataref/core/store';
import { crc32 } from '../../dist/checksum/crc32.js';
import { type ScriptedServer, startScripted } from '../servers/scripted-server.js';
import { storageOver, storeParts } from './stored.js';

jest.setTimeout(120_000);

/** Clears a terminal in two ways, forges a line, and turns the direction of the text. */
const EVIL = '\u001b[2J\u009b31m\r\nall is well\u202e\u2028';
const LONG = 'x'.repeat(6_000);
/** What of it a header may have. */
const LATIN = '\u009b2J\u0085x';
/** Nothing that a message shows has more characters of a server's. */
const MAX_MESSAGE = 5_000;

let server: ScriptedServer;
beforeEach(async () => void (server = await startScripted()));
afterEach(() => server.close());

/** The failure, whose messages are fit to be shown, with those of all its causes. */
async function shownFailure(failing: Promise<unknown>): Promise<string> {
  const error: unknown = await failing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isDataRefError(error)).toBe(true);
  const messages: string[] = [];
  for (let at = error; at !== undefined; at = (at as Error).cause) messages.push((at as Error).message);
  for (const message of messages) {
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(message.length).toBeLessThan(MAX_MESSAGE);
  }
  // As a program that nobody catches it in shows it.
  expect(inspect(error)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/u);
  return messages[0] as string;
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  response.writeHead(status, headers);
  response.end(body);
}

function sealed(manifest: object): string {
  const text = JSON.stringify(manifest, null, 2).slice(0, -2);
  return `${text},\n  "crc32": ${crc32(new TextEncoder().encode(text))}\n}\n`;
}

/** A manifest that a server shows, changed. */
async function manifestWith(change: (manifest: Record<string, unknown>) => void): Promise<string> {
  const store = new MemoryStore();
  await storeParts(store, { n: field('int8') }, [{ n: 1 }] as never[], [1]);
  const stored = new TextDecoder().decode((await store.get('a/1/dataset.json', 2 ** 20))?.bytes);
  const { crc32: _, ...manifest } = JSON.parse(stored) as Record<string, unknown>;
  change(manifest);
  return sealed(manifest);
}

describe('what a hostile server of files says is shown short, and without what steers a terminal:', () => {
  const fetched = () => new HttpStorage(server.endpoint).fetch('a', '1');

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    [
      'where a redirect leads',
      (response) => answer(response, 302, { location: `https://elsewhere.test/${LATIN}${LONG}` }),
      /a redirect to https:\/\/elsewhere\.test\/.*…, which is not followed/u,
    ],
    [
      'where a redirect of another scheme leads',
      (response) => answer(response, 302, { location: `data:${LATIN}${LONG}` }),
      /a redirect to .*, which is not followed/u,
    ],
    ['an encoding', (response) => answer(response, 200, { 'content-encoding': LATIN + LONG }), /Content-Encoding: …/u],
    ['the body of a refusal', (response) => answer(response, 403, {}, EVIL + LONG), /answered 403/u],
    ['what is no JSON', (response) => answer(response, 200, {}, `{"a": ${EVIL}${LONG}`), /is no JSON/u],
    ['what is no JSON from its first character on', (response) => answer(response, 200, {}, EVIL), /is no JSON/u],
    ['when to come again', (response) => answer(response, 403, { 'retry-after': LATIN + LONG }), /answered 403/u],
  ])('%s', async (_, script, message) => {
    server.script = (__, response) => script(response);
    expect(await shownFailure(fetched())).toMatch(message);
  });

  test.each<[string, (manifest: Record<string, unknown>) => void]>([
    ['an id', (m) => (m['id'] = EVIL + LONG)],
    ['a format', (m) => (m['formatVersion'] = EVIL + LONG)],
    ['a column without a dtype', (m) => (m['schema'] = { [EVIL + LONG]: EVIL + LONG })],
    ['a dtype', (m) => (m['schema'] = { [EVIL + LONG]: { dtype: EVIL + LONG, shape: [] } })],
    ['a time', (m) => (m['createdAt'] = EVIL + LONG)],
    ['a number of records', (m) => (m['length'] = EVIL + LONG)],
  ])('%s in a manifest', async (_, change) => {
    const manifest = await manifestWith(change);
    server.script = (__, response) => answer(response, 200, {}, manifest);
    await shownFailure(fetched());
  });

  test('the name of a column, wherever it is told', async () => {
    const name = EVIL + LONG;
    const store = new MemoryStore();
    await storeParts(store, { [name]: field('float32', [8]) }, [{ [name]: new Float32Array(8) }] as never[], [1]);
    const served = async (key: string) => (await store.get(key, 2 ** 20))?.bytes;
    server.script = ({ url = '', headers }, response) => {
      void served(url.slice(1)).then((bytes) => {
        if (bytes === undefined) return answer(response, 404, {});
        const [, start, end] = /bytes=(\d+)-(\d+)/u.exec(headers.range ?? '') ?? [];
        const sent = bytes.slice(Number(start ?? 0), start === undefined ? undefined : Number(end) + 1);
        if (url.endsWith('.arrow')) sent.fill(7);
        const range = start === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${bytes.length}` };
        response.writeHead(start === undefined ? 200 : 206, { ...range, 'content-length': sent.length }).end(sent);
      });
    };
    const storage = new HttpStorage(server.endpoint, { memoryLimitBytes: 0 });
    const dataref = await storage.fetch('a', '1');
    expect(await shownFailure(dataref.at(0))).toMatch(/column \\u\{1b\}\[2J/u);
    expect(await shownFailure(storage.fetch('a', '1', { schema: { other: field('int8') } }))).toMatch(/expected/u);
    expect(await shownFailure(Promise.resolve().then(() => dataref.select(['other'] as never)))).toMatch(/no column/u);
    expect(inspect(dataref)).toMatch(/^DataRef[^\p{Cc}\p{Cf}]* · 1 records[^\p{Cc}\p{Cf}]*$/u);
    const { problems } = await storage.verify('a', '1');
    await shownFailure(Promise.reject(problems[0]));
  });
});

describe('what a hostile bucket says is shown short, and without what steers a terminal:', () => {
  const xml = (text: string) => text.replace(/[\u0000-\u001f]/gu, '');

  test('the code, message and number of a refusal of S3', async () => {
    const client = { endpoint: server.endpoint, forcePathStyle: true, region: 'us-east-1' };
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const storage = new S3Storage({ bucket: 'bucket', clientConfig: { ...client, credentials } });
    for (const status of [400, 403, 301]) {
      server.script = (_, response) =>
        answer(
          response,
          status,
          { 'x-amz-request-id': LATIN + LONG, location: `http://elsewhere.test/${LONG}` },
          `<Error><Code>${xml(EVIL)}${LONG}</Code><Message>${xml(EVIL)}${LONG}</Message></Error>`,
        );
      expect(await shownFailure(storage.fetch('a', '1'))).toMatch(new RegExp(`status ${status}`, 'u'));
    }
  });

  test('the reason and message of a refusal of Google', async () => {
    const authClient = { getRequestHeaders: async () => ({}) };
    const storageOptions = {
      apiEndpoint: server.endpoint,
      useAuthWithCustomEndpoint: true,
      projectId: 'p',
      authClient,
    };
    const storage = new GCSStorage({ bucket: 'bucket', storageOptions: storageOptions as never });
    const reason = EVIL + LONG;
    server.script = (_, response) =>
      answer(response, 400, {}, JSON.stringify({ error: { message: reason, errors: [{ reason }] } }));
    expect(await shownFailure(storage.fetch('a', '1'))).toMatch(/answered 400/u);
    server.script = (_, response) => answer(response, 400, {}, reason);
    expect(await shownFailure(storage.fetch('a', '1'))).toMatch(/answered 400/u);
  });

  test('the names of what it has', async () => {
    const evil = encodeURIComponent('\u009b2J\u202eA');
    const store = new MemoryStore();
    for (const id of ['a', evil]) await store.put(`${id}/${evil}/dataset.json`, new Uint8Array(1));
    const storage = storageOver(store);
    expect(await shownFailure(storage.fetch('other', '1'))).toMatch(/there are \\u\{9b\}2J\\u\{202e\}A, a$/u);
    expect(await shownFailure(storage.fetch('a', '2'))).toMatch(/there are versions \\u\{9b\}2J/u);
  });
});
