import { describe, expect, test } from '@jest/globals';
import { defineDataRef, field } from '@dataref/core';

const schema = { i: field('int32') };
const never = (): Promise<never> => new Promise(() => undefined);

describe("a read function of the user's", () => {
  test('that leaves a hole in its result is told so, and shifts no record', async () => {
    const holed = defineDataRef({
      length: 6,
      fingerprint: 'x',
      schema,
      read: (indices) => {
        const records = new Array<{ i: number }>(indices.length);
        indices.forEach((i, k) => {
          if (i !== 1) records[k] = { i };
        });
        return records;
      },
    });
    await expect(holed.read([0, 1, 2])).rejects.toMatchObject({
      code: 'NULL_VALUE',
      message: expect.stringContaining('record 1'),
    });
  });

  test('that never answers ends with the signal, in read and in streams', async () => {
    const stuck = defineDataRef({ length: 9, fingerprint: 'x', schema, read: never });
    const aborted = () => AbortSignal.timeout(20);
    await expect(stuck.read([1], { signal: aborted() })).rejects.toThrow(/timeout/);
    const stream = stuck.stream().batch(2);
    const iterator = stream[Symbol.asyncIterator]();
    const pending = iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await iterator.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
  });

  test('and a map that never answers: the loop ends when it is closed', async () => {
    const data = defineDataRef({ length: 9, fingerprint: 'x', schema, read: (indices) => indices.map((i) => ({ i })) });
    for (const stream of [
      data.stream().map(never),
      data.stream().batch(2).map(never),
      data.stream().map(never).batch(2).prefetch(),
    ]) {
      const pending = stream[Symbol.asyncIterator]().next();
      const ended = expect(pending).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
      await new Promise((resolve) => setTimeout(resolve, 10));
      await stream.close();
      await ended;
    }
  });
});
