import { expect, test } from '@jest/globals';
import { defineDataRef, field, fromColumns } from '@dataref/core';

const inMemory = fromColumns(Int32Array.from({ length: 100 }, (_, i) => i));
const awaited = defineDataRef({
  length: 100,
  schema: field('int32'),
  fingerprint: 'numbers',
  read: async (indices) => {
    await new Promise((resolve) => setImmediate(resolve));
    return [...indices];
  },
});

test.each([
  ['at hand', inMemory],
  ['awaited', awaited],
])('reading ahead changes nothing of what comes, with data that is %s', async (_, dataset) => {
  const read = async (batches: number, byteLimit: number, pauses: boolean): Promise<unknown[]> => {
    const seen: unknown[] = [];
    const stream = dataset.stream({ shuffle: true, shuffleSeed: 5 }).batch(7);
    for await (const batch of batches === 0 ? stream : stream.prefetch({ batches, byteLimit })) {
      if (pauses) await new Promise((resolve) => setImmediate(resolve));
      seen.push([[...batch.columns.data], batch.state]);
    }
    return seen;
  };
  const plain = await read(0, 0, false);
  expect(plain).toHaveLength(15);
  for (const batches of [1, 2, 3, 50])
    for (const byteLimit of [1, 60, 2 ** 30])
      for (const pauses of [false, true]) expect(await read(batches, byteLimit, pauses)).toEqual(plain);
});
