import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import type { BatchStream, Stream } from '@dataref/core';
import { gather, iterate, range } from './gather.js';

jest.setTimeout(120_000);
const MEETING = new URL('./modules/meeting.mjs', import.meta.url);

/** Records with memory that all threads share, and what was taken of them so far. */
function meeting(
  length: number,
  what: string,
  options: { workers: number; batchSize?: number },
  before = (stream: Stream) => stream,
) {
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const pulled: number[] = [];
  const stream: Stream = before(range(length).stream())
    .map((x: number) => (pulled.push(x), { x, what, buffer: shared.buffer }))
    .map(MEETING, options);
  return { shared, pulled, stream };
}
/** Until nothing more is taken. */
async function rest(pulled: readonly unknown[]): Promise<number> {
  for (let before = -1; before !== pulled.length; await wait(300)) before = pulled.length;
  return pulled.length;
}

describe('batches mapped in workers', () => {
  const planned = (stream: Stream): Stream => stream;
  const computed = (stream: Stream): Stream => stream.filter(() => true);
  test.each<[string, (stream: Stream) => Stream, (stream: Stream) => BatchStream]>([
    ['of a dataset', planned, (stream) => stream.batch(1)],
    ['of all shards', planned, (stream) => stream.globalBatch(1)],
    ['of what only reading can tell', computed, (stream) => stream.batch(1)],
    ['of what only reading can tell, mapped before', planned, (stream) => computed(stream).batch(1)],
  ])('four work at once: %s', async (_, before, batched) => {
    const { shared, stream } = meeting(16, 'wait for four', { workers: 4, batchSize: 1 }, before);
    const flow = batched(stream);
    await gather(flow);
    await flow.close();
    expect(shared[1]).toBe(4);
  });

  test.each([
    { size: 4, atMost: 16 },
    { size: 5, atMost: 15 },
    { size: 1, atMost: 16 },
    { size: 16, atMost: 32 },
    { size: 40, atMost: 80 },
  ])('of $size: $atMost records are under way, whatever the loop does', async ({ size, atMost }) => {
    const { pulled, stream } = meeting(400, '', { workers: 2, batchSize: 4 });
    const flow = stream.batch(size);
    const loop = iterate(flow);
    for (let taken = 1; taken <= 3; taken++) {
      await loop.next();
      expect(await rest(pulled)).toBe((taken - 1) * size + atMost);
    }
    await flow.close();
  });

  test('no more than prefetch has room for, beside two batches', async () => {
    const { pulled, stream } = meeting(400, '', { workers: 2, batchSize: 16 });
    const flow = stream.batch(2).prefetch({ batches: 100, byteLimit: 7000 });
    const loop = iterate(flow);
    for (let taken = 1; taken <= 3; taken++) {
      await loop.next();
      expect(await rest(pulled)).toBeLessThanOrEqual(2 * (taken + 4 + 2));
    }
    await flow.close();
  });

  test('the first record tells the schema, also where another batch comes before it', async () => {
    const { stream } = meeting(12, 'the first comes last', { workers: 2, batchSize: 4 });
    const batches = (await gather(stream.batch(4))) as { columns: object }[];
    expect(batches.map(({ columns }) => Object.keys(columns).join(' '))).toEqual(Array(3).fill('first last'));
  });
});

test('no warning is made of many tasks under way, in batches or alone', async () => {
  const program = fileURLToPath(new URL('./modules/quiet.mjs', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program]);
  expect([stdout, stderr]).toEqual(['2048\n', '']);
});
