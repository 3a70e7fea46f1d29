// Faults that random pipelines or other loaders have shown, by name.
import { describe, expect, test } from '@jest/globals';
import { defineDataRef, field, fromRecords, mix, ndarray, type Batch, type Flow, type Stream } from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { gather, iterate, range, through } from './gather.js';

const ragged = await fromRecords(
  Array.from({ length: 6 }, (_, i) => ({ tokens: ndarray(new Int32Array(i % 3), [i % 3]) })),
  { schema: { tokens: field('int32', [null]) } },
);
/** So many outputs in each epoch, on rank 1 of 3. */
const perEpoch = (counts: readonly number[]): Stream =>
  range(1)
    .stream({ shardRank: 1, numShards: 3 })
    .flatMap((_: number, { epoch }) => Array.from({ length: counts[epoch] ?? 0 }, (__, i) => epoch * 10 + i));

describe.each(
  Object.entries<() => Flow<unknown>>({
    'an unbatch that is asked again after its end': () => range(3).stream().batch(1).unbatch().window(2, { shift: 1 }).repeat(3), // prettier-ignore
    'a mix that is asked again after its first input has ended': () => mix([range(3).stream(), range(9).stream()], { weights: [1, 1], until: 'firstEnds' }).window(2, { shift: 1 }), // prettier-ignore
    'a repeat of a repeat': () => range(2).stream().filter((_, { random }) => random() < 0.7).batch(1).repeat(2).repeat(2), // prettier-ignore
    'a map of batches of ragged records': () => ragged.stream().filter(() => true).batch(1).map(({ length }) => ({ n: new Int32Array(length) })), // prettier-ignore
    'unbatch of mapped batches of ragged records': () => ragged.stream().batch(1).map(({ length }) => ({ n: new Int32Array(length) })).unbatch(), // prettier-ignore
    'a first epoch without output': () =>
      range(3)
        .stream()
        .filter((_, { epoch }) => epoch > 0),
    'a mix whose input ends, by take, with an epoch that another follows': () => mix([range(1).stream().repeat(2).take(1), range(2).stream()], { weights: [1, 1], until: 'never' }).take(3).repeat(3), // prettier-ignore
    'an epoch without output between others': () => range(3).stream().filter((_, { epoch }) => epoch !== 1).batch(2), // prettier-ignore
  }),
)('%s', (_, pipeline) => {
  for (const { name, run } of resumeSuite({ pipeline, iterations: 4 })) test(name, run);
});

describe.each([[[2, 1, 2, 1, 2, 2]], [[0, 2, 2, 2, 1, 4]], [[3, 0, 3, 1, 2, 2]]])(
  'batches, repeated, of a shard that has none of an epoch that others have, %j',
  (counts) => {
    const pipeline = () => perEpoch(counts).batch(1).repeat(2);
    for (const { name, run } of resumeSuite({ pipeline, isUneven: true, iterations: 3 })) test(name, run);
  },
);

describe('a shard that has no batch left', () => {
  test.each(['keep', 'drop'] as const)(
    'does not run into the next epoch when it is resumed, remainder %s',
    async (remainder) => {
      // prettier-ignore
      const make = (shardRank: number, numShards: number) => range(5).stream({ shardRank, numShards }).filter(() => true).batch(1, { remainder }); // prettier-ignore
      const loop = iterate<Batch>(make(0, 1));
      await loop.next();
      const { value } = (await loop.next()) as IteratorYieldResult<Batch>;
      const states: unknown[] = [];
      for (let rank = 0; rank < 4; rank++) {
        const stream = make(rank, 4).resume(through(value.state));
        const batches = await gather<Batch>(stream);
        expect(batches.map(({ epoch }) => epoch)).toEqual(rank < 3 ? [0] : []);
        states.push(stream.epoch);
        await stream.close();
      }
      expect(states.slice(0, 3)).toEqual([1, 1, 1]);
    },
  );

  test('has the state of the others, although they have one batch more', async () => {
    const make = (shardRank: number) => range(5).stream({ shardRank, numShards: 3 }).filter(() => true).batch(1, { remainder: 'drop' }); // prettier-ignore
    const states: unknown[] = [];
    for (let rank = 0; rank < 3; rank++) {
      const { value } = (await iterate<Batch>(make(rank)).next()) as IteratorYieldResult<Batch>;
      states.push(value.state);
    }
    expect(states).toEqual([states[0], states[0], states[0]]);
  });
});

describe('from the threads of other loaders', () => {
  test('a state taken while prefetch is full is that of the last element handed out', async () => {
    let made = 0;
    const make = () => range(40).stream({ shuffle: true, shuffleSeed: 1 }).map((x: number) => (made++, x)).filter((x) => x % 3 > 0).batch(2).prefetch({ batches: 6 }); // prettier-ignore
    const all = (await gather<Batch>(make())).map((batch) => batch.records());
    made = 0;
    const stream = make();
    const loop = iterate<Batch>(stream);
    await loop.next();
    for (let last = -1; last !== made;) {
      last = made;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(made).toBeGreaterThan(12);
    const state = through(stream.state);
    await stream.close();
    expect((await gather<Batch>(make().resume(state))).map((batch) => batch.records())).toEqual(all.slice(1));
  });

  test('a state taken at the very end of an epoch begins the next one, for every transform', async () => {
    const make = () => range(7).stream({ shuffle: true, shuffleSeed: 2 }).flatMap((x: number) => [x, -x]).window(3, { remainder: 'drop' }); // prettier-ignore
    const stream = make();
    const [first, second] = [await gather(stream), through(stream.state)];
    expect([first.length, stream.epoch, second.epoch]).toEqual([4, 1, 1]);
    const resumed = make().resume(second);
    expect([await gather(resumed), await gather(resumed)]).toEqual([await gather(stream), await gather(stream)]);
  });

  test('a filter that drops everything ends its epochs, and an endless repeat of it says so', async () => {
    const none = range(5)
      .stream()
      .filter(() => false);
    expect([await gather(none), await gather(none)]).toEqual([[], []]);
    await expect(gather(none.repeat())).rejects.toThrow(failure('EMPTY', /would never end/));
    expect(await gather(none.batch(2))).toEqual([]);
  });

  test('shards cannot be made equal before a filter', () => {
    const stream = range(9).stream({ shardRank: 0, numShards: 2, dropShardRemainder: true });
    expect(() => stream.filter(() => true)).toThrow(failure('INVALID_ARGUMENT', /filter.*dropShardRemainder.*globalBatch/)); // prettier-ignore
    expect(() => stream.batch(2).unbatch()).toThrow(failure('INVALID_ARGUMENT', /unbatch/));
  });

  test('resuming a mix reads as many records anywhere', async () => {
    let read = 0;
    const counted = (name: string) =>
      defineDataRef({ length: 1000, schema: field('float64'), fingerprint: name, read: (at) => ((read += at.length), [...at]) }).stream({ shuffle: true, shuffleSeed: 3 }); // prettier-ignore
    const make = () => mix([counted('a'), counted('b')], { weights: [3, 1], until: 'never' });
    const stream = make();
    const states: string[] = [];
    for await (const _ of stream) if (states.push(JSON.stringify(stream.state)) >= 900) break;
    const costs: number[] = [];
    for (const at of [10, 401, 450, 890]) {
      read = 0;
      await gather(make().resume(JSON.parse(states[at]!) as never), 4);
      costs.push(read);
    }
    expect(Math.max(...costs)).toBeLessThanOrEqual(24);
    expect(Math.max(...costs) - Math.min(...costs)).toBeLessThanOrEqual(16);
  });

  test('an input that ends begins the epoch that it would begin alone', async () => {
    const make = () =>
      range(3)
        .stream({ shuffle: true, shuffleSeed: 1 })
        .filter((_, { epoch }) => epoch % 2 === 0)
        .repeat(2)
        .map((x: number, { epoch }) => epoch * 10 + x);
    const alone = make();
    const expected: number[] = [];
    for (let i = 0; i < 4; i++) for await (const x of alone) expected.push(x);
    const mixed = mix([make()], { weights: [1], until: 'never' }).take(expected.length);
    expect(await gather<number>(mixed)).toEqual(expected);
  });

  test('a state of six transforms over three datasets is small', async () => {
    const three = [1, 2, 3].map((seed) => range(1000).stream({ shuffle: true, shuffleSeed: seed }));
    const stream = mix(three, { weights: [5, 3, 2], seed: 2 ** 40, until: 'never' }).map((x: number) => ({ tokens: new Int32Array(x % 9) })).filter(({ tokens }: any) => (tokens as Int32Array).length > 0).pack(1024, { strategy: 'best-fit', blockSize: 100 }).batch(4).prefetch(); // prettier-ignore
    const { value } = (await iterate<Batch>(stream).next()) as IteratorYieldResult<Batch>;
    const { length } = JSON.stringify(value.state);
    await stream.close();
    expect(length).toBeLessThanOrEqual(512 + 3 * 300);
  });
});
