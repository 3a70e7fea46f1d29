import { describe, expect, jest, test } from '@jest/globals';
import { type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import type { ExpectedObject } from '../../packages/core/dist/store/object-store.js';
import { announceSeed, randomOf, runs, scale } from '../../packages/core/test/scale.js';
import { run, runLimited, script, tempFolder, type Ended } from './process.js';

jest.setTimeout(900_000);
const random = randomOf(announceSeed('crash/cache'));
const OBJECTS = 20;
/** The name of a finished copy. */
const COPY = /^[0-9a-f]{32}\.\d+$/u;

interface Source {
  readonly folder: string;
  readonly list: string;
  readonly totalBytes: number;
}

/** Objects of many sizes in a folder that stands for a far store. */
async function makeSource(largestBytes: number): Promise<Source> {
  const folder = tempFolder();
  const store = new FileStore(folder);
  const objects: ExpectedObject[] = [];
  for (let k = 0; k < OBJECTS; k++) {
    const byteLength = 1 + Math.floor(random() * largestBytes);
    const bytes = new Uint8Array(byteLength);
    for (let i = 0; i < byteLength; i++) bytes[i] = (i * 31 + (i >> 8) + k * 101) & 255;
    const key = `x/1/data/${k}.arrow`;
    await store.put(key, bytes);
    objects.push({ key, byteLength, crc32: crc32(bytes) });
  }
  const list = join(tempFolder(), 'objects.json');
  writeFileSync(list, JSON.stringify(objects));
  return { folder, list, totalBytes: objects.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

interface Reading {
  readonly limitBytes: number;
  readonly read: 'parts' | 'auto';
  /** 1: followed; 0: none; each: none, and every object is read in turn. */
  readonly forecast: '0' | '1' | 'each';
  readonly reads: number;
  readonly delayMs: number;
}

/** @param largestKibibytes of any file that the process may write */
function readIn(
  directory: string,
  { folder, list }: Source,
  reading: Reading,
  onBegin?: (kill: () => void) => void,
  largestKibibytes?: number,
): Promise<Ended> {
  const { limitBytes, read, forecast, reads, delayMs } = reading;
  const numbers = [Math.floor(random() * 2 ** 31), reads, delayMs].map(String);
  const args = [script('cache-reader.mjs'), folder, list, directory, String(limitBytes), read, forecast, ...numbers];
  const onLine = (line: string, child: ChildProcess): void => {
    if (line === 'begin') onBegin?.(() => child.kill('SIGKILL'));
  };
  if (largestKibibytes === undefined) return run(process.execPath, args, onLine);
  return runLimited(largestKibibytes, process.execPath, args, onLine);
}

function takenBy({ code, errors, lines }: Ended): number {
  expect([errors, code]).toEqual(['', 0]);
  return Number((lines.at(-1) as string).replace('taken ', ''));
}

function filesIn(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Sums the sizes of all files of a directory again and again while something runs, and once after it. @returns the largest sum */
async function watch(directory: string, running: Promise<unknown>): Promise<number> {
  const over = new AbortController();
  void running.finally(() => over.abort()).catch(() => undefined);
  let most = 0;
  for (let isLast = false; !isLast;) {
    isLast = over.signal.aborted;
    let sum = 0;
    try {
      for (const path of filesIn(directory)) sum += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      most = Math.max(most, sum);
    } catch {
      // a folder went while it was listed
    }
    await new Promise((resolve) => setTimeout(resolve, scale < 1 ? 5 : 1));
  }
  await running;
  return most;
}

describe('processes that share a cache', () => {
  /** Two of them meet each way of reading, each forecast, and the limits of both. */
  const readings = [
    { read: 'parts', forecast: '0', share: 1 },
    { read: 'auto', forecast: '1', share: 1 },
    { read: 'parts', forecast: '1', share: 1 },
    { read: 'auto', forecast: '0', share: 0.5 },
  ] as const;

  test.each([25, 50, 100])('read the right bytes, and are never over a limit of %d%%', async (percent) => {
    const source = await makeSource(600_000);
    const limitBytes = Math.floor((source.totalBytes * percent) / 100);
    const directory = tempFolder();
    const reads = runs(600);
    const readers = Promise.all(
      readings
        .slice(scale < 1 ? -2 : 0)
        .map(({ share, ...how }) =>
          readIn(directory, source, { ...how, limitBytes: Math.floor(limitBytes * share), reads, delayMs: 4 }),
        ),
    );
    const most = await watch(directory, readers);
    for (const reader of await readers) expect(takenBy(reader)).toBeGreaterThanOrEqual(0);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(limitBytes);
  });

  test('download each object once, all of them together', async () => {
    const source = await makeSource(scale < 1 ? 600_000 : 3_000_000);
    const directory = tempFolder();
    const reading = {
      limitBytes: source.totalBytes,
      read: 'parts',
      forecast: 'each',
      reads: OBJECTS,
      delayMs: 20,
    } as const;
    const readers = await Promise.all(
      Array.from({ length: scale < 1 ? 2 : 4 }, () => readIn(directory, source, reading)),
    );
    expect(readers.map(takenBy).reduce((sum, taken) => sum + taken)).toBe(source.totalBytes);
    expect(takenBy(await readIn(directory, source, reading))).toBe(0);
    expect(filesIn(directory)).toHaveLength(OBJECTS);
  });

  test('killed at any moment, harm nobody, and leave nothing for long', async () => {
    const source = await makeSource(2_000_000);
    const directory = tempFolder();
    const cache = join(directory, 'dataref-cache');
    const limitBytes = Math.floor(source.totalBytes * 0.6);
    const reading = { limitBytes, read: 'parts', forecast: '0', reads: 1_000_000, delayMs: 8 } as const;
    let cut = 0;
    const work = async (): Promise<void> => {
      // At least until one was killed in the midst of a download.
      for (let kill = 0; kill < runs(20) || cut === 0; kill++) {
        const forecast = random() < 0.5 ? '1' : '0';
        const ended = await Promise.all(
          [0, 1].map(() =>
            readIn(directory, source, { ...reading, forecast, reads: 2000 }, (end) => setTimeout(end, random() * 400)),
          ),
        );
        for (const { signal, errors } of ended) expect([signal, errors]).toEqual(['SIGKILL', '']);
        // Where both were killed before they began, there is no folder yet.
        const names = existsSync(cache) ? readdirSync(cache) : [];
        cut += names.filter((name) => name.split('.').length === 4).length;
        takenBy(await readIn(directory, source, { ...reading, reads: 20 }));
      }
    };
    const most = await watch(directory, work());
    expect(most).toBeLessThanOrEqual(limitBytes);
    takenBy(await readIn(directory, source, { ...reading, forecast: 'each', reads: 2 * OBJECTS }));
    expect(readdirSync(cache).filter((name) => !COPY.test(name))).toEqual([]);
  });
});

test('a disk that is full costs the copies alone: all bytes are right, and no temp file stays', async () => {
  const source = await makeSource(300_000);
  for (const read of ['parts', 'auto'] as const) {
    const directory = tempFolder();
    const reading: Reading = { limitBytes: source.totalBytes, read, forecast: '1', reads: 60, delayMs: 1 };
    expect(takenBy(await readIn(directory, source, reading, undefined, 64))).toBeGreaterThan(0);
    const names = readdirSync(join(directory, 'dataref-cache'));
    expect(names.filter((name) => !COPY.test(name))).toEqual([]);
    expect(names.filter((name) => Number(name.split('.')[1]) > 64 * 1024)).toEqual([]);
  }
});
