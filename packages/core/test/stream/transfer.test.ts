import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { ndarray, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, iterate, range } from './gather.js';

jest.setTimeout(60_000);
const CARRYING = new URL('./modules/carrying.mjs', import.meta.url);
class Point {
  x = 1;
}
const open: Stream[] = [];
afterAll(() => Promise.all(open.map((stream) => stream.close())));

/** Records that an earlier map made, mapped in workers. */
function carried(workers: number, made: (x: number) => unknown): Stream {
  const stream = range(5)
    .stream()
    .map(made)
    .map(CARRYING, { workers, ...(workers > 0 && { batchSize: 2 }) });
  open.push(stream);
  return stream;
}
/** Until the failure, and the failure. */
async function ending(stream: Stream): Promise<{ readonly given: number; readonly error: unknown }> {
  let given = 0;
  const loop = iterate<unknown>(stream);
  for (;;) {
    try {
      if ((await loop.next()).done === true) return { given, error: undefined };
      given++;
    } catch (error) {
      return { given, error };
    }
  }
}

describe('what structured cloning carries comes through whole, in and out', () => {
  const rich = (x: number) => ({
    bad: '',
    date: new Date(x),
    map: new Map<unknown, unknown>([[x, new Set([Float32Array.of(x)])]]),
    buffer: Uint8Array.of(x, 1).buffer,
    view: new DataView(Uint8Array.of(0, x).buffer, 1),
    pattern: /b/u,
    image: ndarray(Uint8Array.of(x, 2), [2, 1]),
  });
  test('the same with 0, 1, 2 and 4 workers', async () => {
    const alone = (await gather(carried(0, rich))) as { date: Date; map: Map<string, unknown>; given: any }[];
    for (const workers of [1, 2, 4]) {
      const records = (await gather(carried(workers, rich))) as typeof alone;
      expect(records).toEqual(alone);
      const tags = records.map(({ date, map, given }) => [date, map, given.date, given.map, given.buffer, given.view].map((item) => Object.prototype.toString.call(item))); // prettier-ignore
      expect(tags[0]).toEqual(['Date', 'Map', 'Date', 'Map', 'ArrayBuffer', 'DataView'].map((name) => `[object ${name}]`)); // prettier-ignore
      expect(records.map(({ given }) => [given.date.getTime(), given.view.getUint8(0)])).toEqual([0, 1, 2, 3, 4].map((x) => [x, x])); // prettier-ignore
    }
  });
  test('one object stays one, in circles too', async () => {
    const [record] = (await gather(carried(1, rich), 1)) as { twice: unknown[]; cycle: { self: unknown } }[];
    expect(record?.twice[0]).toBe(record?.twice[1]);
    expect(record?.cycle.self).toBe(record?.cycle);
  });
  test('buffers of the input stay whole', async () => {
    const { buffer } = Uint8Array.of(7, 8);
    await gather(carried(2, () => ({ buffer, view: new DataView(buffer) })));
    expect([...new Uint8Array(buffer)]).toEqual([7, 8]);
  });
});

describe('what would come through as something else is refused', () => {
  test.each([
    ['class', /record 2, epoch 0, position 2: the result has an object of class Point, .*plain object/],
    ['subclass', /record 2, .*: the result has an object of class Names/],
    ['promise', /record 2, .*: the result has an object of class Promise/],
  ])('of a result: a %s', async (bad, message) => {
    const { given, error } = await ending(carried(2, () => ({ bad })));
    expect([given, error]).toEqual([2, failure('MAP_FAILED', message)]);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'a class',
      () => new Point(),
      /record 3, epoch 0, position 3 cannot go .*: the input has an object of class Point/,
    ],
    ['a function', () => ({ f: [() => 1] }), /record 3, .*: the input has a function/],
    ['a promise', () => new Map([[1, Promise.resolve()]]), /record 3, .*: the input has an object of class Promise/],
    ['an array of a class of its own', () => new (class Mine extends Float32Array {})(2), /the input has an object of class Mine/], // prettier-ignore
  ])('of an input: %s, and what comes before it is given', async (_, make, message) => {
    const stream = carried(2, (x) => (x === 3 ? make() : { x }));
    const { given, error } = await ending(stream);
    expect([given, error]).toEqual([3, failure('INVALID_ARGUMENT', message)]);
    expect(error).toHaveProperty('details', { dataset: '', version: '', epoch: 0, position: 3, index: 3 });
    expect(stream.state.node).toMatchObject({ input: { input: { position: 3 } } });
  });
});
