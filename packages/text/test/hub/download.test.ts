import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openHub, type HubOptions } from '../../dist/source/hub/hub.js';
import { openHubSource } from '../../dist/source/hub/hub-source.js';
import { runs } from '../../../core/test/scale.js';
import { textsOf } from '../source/read-units.js';
import { HubServer } from './hub-server.js';
import { sentencesParquet } from './sst2.js';

const sentences = Array.from(
  { length: 5000 },
  (_, i) => `sentence ${i} ${createHash('sha256').update(String(i)).digest('hex')}`,
);
const bytes = sentencesParquet(sentences, 1000);
const hash = createHash('sha256').update(bytes).digest('hex');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'download-'));
});
afterEach(() => rm(directory, { recursive: true }));

const serve = () => new HubServer({ type: 'dataset', name: 'me/data', files: { 'train.parquet': bytes } }).listen();
const open = (server: HubServer, options: Partial<HubOptions> = {}) =>
  openHubSource(openHub({ hubUrl: server.url, directory, ...options }), {
    datasetName: 'me/data',
    columns: ['sentence'],
  });

describe('a download', () => {
  test('that is cut goes on from where it was, again and again', async () => {
    await using server = await serve();
    server.fault = (download) => (download < 7 ? 'cut' : undefined);
    const stored = async () => (await stat(join(directory, `${hash}.part`)).catch(() => ({ size: 0 }))).size;
    server.beforeCut = async (end) => {
      while ((await stored()) < end) await pause(2);
    };
    expect(await textsOf(await open(server))).toEqual(sentences);
    const starts = server.downloads.map((request) => Number(/bytes=(\d+)-$/u.exec(request)?.[1] ?? 0));
    expect(starts).toHaveLength(8);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts[1]).toBeGreaterThan(0);
  });

  test('of another process goes on from what it left', async () => {
    await using server = await serve();
    await writeFile(join(directory, `${hash}.part`), bytes.subarray(0, 1000));
    expect(await textsOf(await open(server))).toEqual(sentences);
    expect(server.downloads).toEqual([`/cdn/${hash} bytes=1000-`]);
    expect(await readdir(directory)).toEqual([hash]);
  });

  test('begins anew where the server knows no ranges, and where what was left is something else', async () => {
    await using server = await serve();
    server.fault = (download) => (['cut', 'no-ranges'] as const)[download];
    expect(await textsOf(await open(server))).toEqual(sentences);
    await rm(join(directory, hash));
    await writeFile(join(directory, `${hash}.part`), 'something else');
    expect(await textsOf(await open(server))).toEqual(sentences);
    await rm(join(directory, hash));
    await writeFile(join(directory, `${hash}.part`), new Uint8Array(bytes.length + 9));
    expect(await textsOf(await open(server))).toEqual(sentences);
  });

  test('is made again where its file was damaged on the disk', async () => {
    await using server = await serve();
    await textsOf(await open(server));
    const [name = ''] = await readdir(directory);
    await truncate(join(directory, name), 100);
    expect(await textsOf(await open(server))).toEqual(sentences);
    await writeFile(join(directory, name), new Uint8Array(bytes.length));
    expect(await textsOf(await open(server))).toEqual(sentences);
    expect(server.downloads).toHaveLength(3);
  });

  test('waits for a server that is busy', async () => {
    await using server = await serve();
    server.fault = (download) => (download < 2 ? 'unavailable' : undefined);
    expect(await textsOf(await open(server))).toEqual(sentences);
  });

  test('of other bytes than were listed is refused, and leaves nothing', async () => {
    await using server = await serve();
    server.fault = () => 'damaged';
    await expect(textsOf(await open(server))).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(await readdir(directory)).toEqual([]);
  });

  test('by several at once gives all of them the whole file', async () => {
    await using server = await serve();
    for (let run = 0; run < runs(60); run++) {
      await rm(directory, { recursive: true, force: true });
      const sources = await Promise.all(Array.from({ length: 2 + (run % 4) }, () => open(server)));
      for (const texts of await Promise.all(sources.map((source) => textsOf(source)))) expect(texts).toEqual(sentences);
      expect(await readdir(directory)).toHaveLength(1);
    }
  });

  test('tells how far it is', async () => {
    await using server = await serve();
    const told: number[] = [];
    await textsOf(await open(server, { onProgress: ({ done }) => told.push(done) }));
    expect(told.at(-1)).toBe(bytes.length);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  test('ends with an abort', async () => {
    await using server = await serve();
    const [split] = (await open(server)).splits;
    const reason = new Error('stopped');
    const units = split?.units({ signal: AbortSignal.abort(reason) });
    await expect(units?.[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  });
});
