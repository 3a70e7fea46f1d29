import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { defineDataRef, field, fromRecords, isDataRefError, type Stream } from '@dataref/core';
import { tempFolder } from '../temp-folder.js';
import { failure } from '../expect-error.js';
import { MODULE } from './computed-pipelines.js';
import { gather, iterate, range, through } from './gather.js';

jest.setTimeout(600_000);
const HARD = new URL('./modules/hard.mjs', import.meta.url);
const SHUFFLED = { shuffle: true, shuffleSeed: 3 } as const;

/** Records of which one asks for something. */
async function asking(what: string, { at = 5, length = 12, marker = '' } = {}): Promise<Stream> {
  const records = Array.from({ length }, (_, x) => ({ x, what: x === at || at < 0 ? what : '', marker: x === at ? marker : '' })); // prettier-ignore
  return (await fromRecords(records)).stream();
}
const xs = (records: readonly unknown[]): number[] => records.map((record) => (record as { x: number }).x);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const workers = (count: number, batchSize = 2) => ({ workers: count, batchSize });
/** Threads of this process, from the kernel. */
const threads = (): number => Number(/^Threads:\s+(\d+)/mu.exec(readFileSync('/proc/self/status', 'latin1'))![1]);

/** No more threads than before, as soon as the kernel has taken down those that ended. */
async function expectThreads(before: number): Promise<void> {
  for (let i = 0; i < 200 && threads() > before; i++) await wait(50);
  expect(threads()).toBeLessThanOrEqual(before);
}

describe('a map in workers, of a shard', () => {
  const LENGTH = 30;
  /** What one shard gives, and the records that were read for it. */
  async function shard(rank: number, more: object, end: (stream: Stream) => any = (stream) => stream) {
    const read = new Set<number>();
    const dataset = defineDataRef({
      length: LENGTH,
      schema: field('int32'),
      fingerprint: 'counts reads',
      read: (indices) => indices.map((i) => (read.add(i), i)),
    });
    const flow = end(dataset.stream({ ...SHUFFLED, shardRank: rank, numShards: 3, ...more }).map(MODULE, workers(2)));
    const { length } = flow;
    const elements: unknown[] = await gather(flow);
    return { length, elements, read: [...read] };
  }

  test('has a length, and reads the records of its own alone', async () => {
    const shards = await Promise.all([0, 1, 2].map((rank) => shard(rank, {})));
    expect(shards.map(({ length, elements }) => [length, elements.length])).toEqual([10, 10, 10].map((n) => [n, n]));
    expect(shards.flatMap(({ read }) => read).sort((a, b) => a - b)).toEqual(upTo(LENGTH));
    const batched = await shard(1, {}, (stream) => stream.globalBatch(9));
    expect([batched.length, batched.elements.length]).toEqual([4, 4]);
    expect(batched.read.sort((a, b) => a - b)).toEqual((shards[1] as { read: number[] }).read.sort((a, b) => a - b));
  });

  test('may be made before the shuffle', async () => {
    const shards = await Promise.all([0, 1, 2].map((rank) => shard(rank, { shardBeforeShuffle: true })));
    for (const [rank, { read }] of shards.entries()) expect(read.every((i) => i % 3 === rank)).toBe(true);
  });
});

describe('the same output', () => {
  // Their threads are shared by all that run the module in as many.
  const holders = [1, 2, 4].map((count) => range(9).stream().map(MODULE, workers(count)));
  beforeAll(async () => {
    for (const holder of holders) await iterate<unknown>(holder).next();
  });
  afterAll(async () => {
    for (const holder of holders) await holder.close();
  });

  const build = (count: number, batches: number, terminal: (stream: Stream) => any) => {
    const stream = range(23)
      .stream({ ...SHUFFLED, shardRank: 1, numShards: 2 })
      .filter((x: number) => x % 5 !== 2)
      .map(MODULE, count === 0 ? { workers: 0 } : workers(count));
    const flow = terminal(stream);
    return batches === 0 ? flow : flow.prefetch({ batches });
  };
  test.each([
    ['records', (stream: Stream) => stream],
    ['filtered again', (stream: Stream) => stream.filter(({ hash }: { hash: number }) => hash % 3 !== 0)],
    ['batches', (stream: Stream) => stream.batch(4)],
  ])('of %s with 0, 1, 2 and 4 workers, and prefetch 0, 1 and 7; the same states too', async (_, terminal) => {
    const look = async (count: number, batches: number) => {
      const flow = build(count, batches, terminal);
      const seen: unknown[] = [];
      for (let epoch = 0; epoch < 2; epoch++)
        for await (const element of flow) seen.push([element.columns ?? element, through(flow.state)]);
      await flow.close();
      return seen;
    };
    const alone = await look(0, 0);
    expect(alone.length).toBeGreaterThan(4);
    for (const count of [0, 1, 2, 4])
      for (const batches of [0, 1, 7]) expect(await look(count, batches)).toEqual(alone);
  });
});

test('a program of the command line maps in threads too', async () => {
  const text = `
    import { fromRecords } from '@dataref/core';
    const stream = (await fromRecords([{ x: 1, what: '', marker: '' }])).stream().map(new URL('${HARD.href}'), { workers: 1 });
    for await (const { x } of stream) console.log(x);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', text], {
    cwd: import.meta.dirname,
  });
  expect(stdout).toBe('1\n');
});

describe('a worker that dies', () => {
  test('is replaced, and its work repeated, arrays and all', async () => {
    const marker = join(tempFolder(), 'died');
    const tables = (await asking('die once', { marker })).map((record: object) => ({
      ...record,
      table: new Float32Array(3),
    }));
    const stream = tables.map(HARD, workers(2, 3));
    expect(xs(await gather(stream))).toEqual(upTo(12));
    expect(readFileSync(marker, 'utf8')).toBe('');
    await stream.close();
  });

  test('of too little memory is replaced too, and the program ends by itself', async () => {
    const marker = join(tempFolder(), 'filled');
    const program = fileURLToPath(new URL('./modules/filling.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=48', program, marker]);
    expect(JSON.parse(stdout)).toEqual(upTo(12));
    expect(readFileSync(marker, 'utf8')).toBe('');
  });

  test('again and again at one record: the record is named, those before it are given, and the stream goes on there', async () => {
    const stream = (await asking('die')).map(HARD, workers(2, 3));
    const seen: unknown[] = [];
    const read = async () => {
      for await (const record of stream) seen.push(record);
    };
    await expect(read()).rejects.toThrow(failure('WORKER_DIED', /record 5, epoch 0, position 5 ended its worker/));
    expect(xs(seen)).toEqual([0, 1, 2, 3, 4]);
    expect(stream.state.node).toMatchObject({ name: 'map', input: { position: 5 } });
    await stream.close();
  });

  test('at one record is told of with all that names it, and onError is not asked', async () => {
    const onError = jest.fn(() => ({ x: -1, drawn: 0 }));
    const stream = (await asking('die')).map(HARD, { ...workers(1, 4), onError });
    const error = await gather(stream).catch((reason: unknown) => reason);
    expect(isDataRefError(error, 'WORKER_DIED') && error.details).toEqual({ dataset: '', version: '', epoch: 0, position: 5, index: 5 }); // prettier-ignore
    expect(onError).not.toHaveBeenCalled();
    await stream.close();
  });

  test('that posts a message is told of as any failure', async () => {
    const stream = (await asking('post')).map(HARD, workers(1));
    await expect(gather(stream)).rejects.toThrow(failure('MAP_FAILED', /record 5.*posted a message/));
  });

  test('that calls process.exit is told of as any failure', async () => {
    const stream = (await asking('exit')).map(HARD, workers(1));
    await expect(gather(stream)).rejects.toThrow(failure('MAP_FAILED', /record 5.*process\.exit\(3\)/));
    await stream.close();
  });
});

describe('arrays', () => {
  test('are moved out of the thread, not copied, as ordinary ArrayBuffers of their own', async () => {
    const stream = (await asking('keep', { at: -1 })).map(HARD, workers(1, 1));
    const records = (await gather(stream)) as { x: number; before: number; array: Float32Array }[];
    // What the module kept of the record before is empty: it was moved.
    expect(records.map(({ before }) => before)).toEqual([-1, ...Array.from({ length: 11 }, () => 0)]);
    for (const { x, array } of records) {
      expect(array[999]).toBe(x);
      expect(Object.prototype.toString.call(array.buffer)).toBe('[object ArrayBuffer]');
      expect(array.buffer.byteLength).toBe(4000);
    }
    await stream.close();
  });

  test('that are a part of something larger come alone', async () => {
    const records = (await gather((await asking('view', { at: -1 })).map(HARD, workers(1)))) as {
      array: Float32Array;
    }[];
    expect(records.map(({ array }) => [array.length, array.buffer.byteLength])).toEqual(upTo(12).map(() => [10, 40]));
  });

  test('that were moved before are refused in words', async () => {
    const stream = (await asking('give twice', { at: -1 })).map(HARD, workers(1, 1));
    await expect(gather(stream)).rejects.toThrow(failure('MAP_FAILED', /was moved out of the thread before/));
    await stream.close();
  });

  test('of the input that others hold stay whole', async () => {
    const table = Float32Array.of(1, 2, 3);
    const stream = range(9)
      .stream()
      .map(() => ({ table }))
      .window(3, { shift: 1, remainder: 'drop' })
      .map(MODULE, workers(2));
    const hashes = (await gather(stream)).map((record) => (record as { hash: number }).hash);
    expect(new Set(hashes).size).toBe(1);
    expect(table).toEqual(Float32Array.of(1, 2, 3));
  });
});

describe('an exception', () => {
  test('names dataset, record, epoch and position, and the stream goes on at that record', async () => {
    const marker = join(tempFolder(), 'thrown');
    const make = async () => (await asking('throw once', { marker })).map(HARD, workers(2, 3));
    const stream = await make();
    const seen: unknown[] = [];
    const error = await (async () => {
      for await (const record of stream) seen.push(record);
    })().catch((reason: unknown) => reason);
    expect(isDataRefError(error, 'MAP_FAILED') && error.details).toEqual({ dataset: '', version: '', epoch: 0, position: 5, index: 5 }); // prettier-ignore
    expect(xs(seen)).toEqual([0, 1, 2, 3, 4]);
    const state = through(stream.state);
    await stream.close();
    const resumed = (await make()).resume(state);
    expect(xs(await gather(resumed))).toEqual([5, 6, 7, 8, 9, 10, 11]);
    await resumed.close();
  });

  test('is left out, or made good, and counted with onError', async () => {
    const skipping = (await asking('throw')).map(HARD, { ...workers(2), onError: 'skip' });
    expect(xs(await gather(skipping))).toEqual(upTo(12).filter((x) => x !== 5));
    expect(skipping.skipped).toBe(1);
    await skipping.close();
    const instead = (await asking('throw')).map(HARD, { ...workers(2), onError: (error) => ({ x: error.details['index'], drawn: 0 }) }); // prettier-ignore
    expect(xs(await gather(instead))).toEqual(upTo(12));
    expect(instead.skipped).toBe(0);
    await instead.close();
  });
});

describe('what goes on beside the loop', () => {
  test('is bounded: threads work on a few batches of records, whatever the loop does', async () => {
    let pulled = 0;
    const stream = range(5000)
      .stream()
      .map((x: number) => (pulled++, x))
      .map(MODULE, workers(2, 4));
    const loop = iterate(stream);
    await loop.next();
    await wait(300);
    expect(pulled).toBeLessThanOrEqual(2 * 2 * 4 + 1);
    for (let i = 0; i < 100; i++) await loop.next();
    await wait(300);
    expect(pulled).toBeLessThanOrEqual(101 + 3 * 2 * 4 + 1);
    await stream.close();
  });

  test('ends with close: no thread, no timer and no read is left', async () => {
    const before = { threads: threads(), resources: process.getActiveResourcesInfo().length };
    for (let round = 0; round < 3; round++) {
      const stream = range(500).stream().map(MODULE, workers(2)).filter(() => true).batch(3).prefetch({ batches: 4 }); // prettier-ignore
      const loop = iterate(stream);
      await loop.next();
      expect(threads()).toBeGreaterThan(before.threads);
      await stream.close();
    }
    await expectThreads(before.threads);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.resources + 1);
  });

  test('ends with the loop: break, and the end of an epoch, leave no thread', async () => {
    const before = threads();
    const stream = range(20).stream().map(MODULE, workers(2));
    for await (const _ of stream) break;
    await gather(stream);
    await expectThreads(before);
  });

  test('ends at once in the middle of a record that never comes', async () => {
    const stream = (await asking('wait', { at: -1 })).map(HARD, workers(2));
    const before = threads();
    const pending = iterate(stream).next();
    pending.catch(() => undefined);
    await wait(200);
    await stream.close();
    await expect(pending).rejects.toThrow(failure('STREAM_CLOSED', /closed/));
    await expectThreads(before);
  });

  test.each([
    ['a read', () => defineDataRef({ length: 9, schema: field('float64'), fingerprint: 'x', read: () => new Promise<number[]>(() => undefined) }).stream().filter(() => true)], // prettier-ignore
    [
      'a filter',
      () =>
        range(9)
          .stream()
          .filter(() => new Promise<boolean>(() => undefined)),
    ],
    [
      'a flatMap',
      () =>
        range(9)
          .stream()
          .flatMap(() => new Promise<number[]>(() => undefined)),
    ],
    ['a generator', () => range(9).stream().flatMap(async function* () { yield await new Promise<number>(() => undefined); })], // prettier-ignore
    [
      'a map',
      () =>
        range(9)
          .stream()
          .filter(() => true)
          .map(() => new Promise<number>(() => undefined)),
    ],
    ['onError', () => range(9).stream().map(() => Promise.reject(new Error()), { onError: () => new Promise<number>(() => undefined) })], // prettier-ignore
    ['onError under a prefetch', () => range(9).stream().map(() => Promise.reject(new Error()), { onError: () => new Promise<number>(() => undefined) }).prefetch()], // prettier-ignore
    ['a batch', () => range(9).stream().filter(() => new Promise<boolean>(() => undefined)).batch(2).prefetch()], // prettier-ignore
    ['a best-fit pack of nothing', () => range(2).stream().flatMap(function* () { for (;;) yield new Int32Array(0); }).pack(4, { strategy: 'best-fit' })], // prettier-ignore
    [
      'a flatMap that gives nothing of endless epochs, and',
      () =>
        range(9)
          .stream()
          .repeat()
          .flatMap(() => []),
    ],
    ['onError that leaves all out of endless epochs, and', () => range(9).stream().repeat().map(() => { throw new Error(); }, { onError: 'skip' })], // prettier-ignore
  ])('ends at once in the middle of %s that never answers', async (_, make) => {
    const stream = make();
    const pending = iterate<unknown>(stream).next();
    pending.catch(() => undefined);
    await wait(20);
    await stream.close();
    await expect(pending).rejects.toThrow(failure('STREAM_CLOSED', /closed/));
  });
});
