import { describe, expect, test } from '@jest/globals';
import { concatStreams, explain, fromRecords, mix, type DataRef, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range, through } from './gather.js';

const SEEDED = { shuffle: true, shuffleSeed: 3 } as const;
const keep = (): boolean => true;
/** The streams of all ranks of a world. */
const ranks = (dataset: DataRef, numShards: number, more: object = {}): Stream[] =>
  Array.from({ length: numShards }, (_, shardRank) => dataset.stream({ ...SEEDED, shardRank, numShards, ...more }));

describe('after an iteration has ended', () => {
  test.each([
    ['plain streams', (stream: Stream) => stream],
    ['streams of which nothing is left in an epoch', (stream: Stream) => stream.filter(() => false)],
    ['batches', (stream: Stream) => stream.batch(1)],
    ['batches of a repeat', (stream: Stream) => stream.batch(1).repeat(3)],
    ['computed batches of a repeat', (stream: Stream) => stream.filter(keep).batch(1).repeat(3)],
    ['padded batches of a repeat', (stream: Stream) => stream.filter(keep).batch(2, { remainder: 'pad' }).repeat(2)],
  ] as const)('all ranks stand at the beginning of one epoch: %s', async (_, build) => {
    for (const length of [2, 5, 9]) {
      for (const numShards of [1, 2, 3]) {
        const flows = ranks(range(length), numShards).map((stream) => build(stream));
        for (let iteration = 0; iteration < 2; iteration++) {
          for (const flow of flows) await gather(flow as AsyncIterable<unknown>);
          const states = flows.map((flow) => through(flow.state));
          expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1);
          expect(new Set(flows.map(({ epoch }) => epoch)).size).toBe(1);
          expect(flows[0]!.epoch).toBe(states[0]!.epoch);
        }
      }
    }
  });
});

describe('an input of a join that is cut by take', () => {
  const input = (): Stream => range(10).stream().filter(keep).take(2);
  const other = (): Stream => range(6).stream();
  test.each([
    ['concatStreams', () => concatStreams([input(), other()])],
    ['mix', () => mix([input(), other()], { weights: [1, 1], until: 'allEnd' })],
  ])('ends no epoch of %s', async (_, build) => {
    const whole = await gather(build());
    for (let at = 1; at < whole.length; at++) {
      const flow = build();
      await gather(flow, at);
      expect(await gather(build().resume(through(flow.state)))).toEqual(whole.slice(at));
    }
  });
});

describe('dropShardRemainder', () => {
  const numShards = 3;
  test('is part of the state where shards are made before the shuffle', async () => {
    const options = { ...SEEDED, shardRank: 0, numShards, shardBeforeShuffle: true };
    const stream = range(10).stream({ ...options, dropShardRemainder: true });
    const whole = await gather(stream);
    const begun = range(10).stream({ ...options, dropShardRemainder: true });
    await gather(begun, 1);
    const state = through(begun.state);
    expect(explain(state)).toContain(`comes next: record ${String(whole[1])}`);
    expect(await gather(range(10).resume(state))).toEqual(whole.slice(1));
    expect(() => range(10).stream(options).resume(state)).toThrow(failure('STATE_MISMATCH', /dropShardRemainder/));
  });

  test('is taken up by dataref.resume, so that all ranks have as many', async () => {
    const [first] = ranks(range(11), numShards, { dropShardRemainder: true });
    const state = through(first!.state);
    const rest = await Promise.all(
      [0, 1, 2].map(async (shardRank) => gather(range(11).resume(state, { shardRank, numShards }))),
    );
    expect(rest.map(({ length }) => length)).toEqual([3, 3, 3]);
  });
});

test('what others had left in a pass says nothing of the next one', async () => {
  // Of epoch 0 the last rank has one record less than the others, of epoch 1 as many.
  const build = () =>
    range(6)
      .stream({ shardRank: 2, numShards: 3 })
      .filter((x: number, { epoch }: { epoch: number }) => epoch > 0 || x > 0)
      .batch(1)
      .repeat(2);
  const flow = build();
  const states = [];
  for await (const _ of flow) states.push(through(flow.state));
  expect(states.map(({ epoch }) => epoch)).toEqual([1, 1, 2]);
  const resumed = build().resume(states[0]);
  const rest = [];
  for await (const _ of resumed) rest.push(through(resumed.state));
  expect(rest).toEqual(states.slice(1));
});

describe('repeats in repeats', () => {
  test('go on after the last epoch that gave something, planned or computed', async () => {
    const epochs = async (stream: Stream): Promise<number[]> => {
      const batches = await gather(stream.repeat(2).take(2).repeat(2).batch(1));
      return batches.map(({ epoch }) => epoch);
    };
    expect(await epochs(range(2).stream())).toEqual([0, 0, 1, 1]);
    expect(await epochs(range(2).stream().filter(keep))).toEqual([0, 0, 1, 1]);
  });
});

test('indices are arrays of their own, which may be moved away', async () => {
  const [a, b] = await gather(range(8).stream(SEEDED).batch(4));
  const expected = Array.from(b!.indices);
  structuredClone(a!.indices, { transfer: [(a!.indices as Uint32Array).buffer as ArrayBuffer] });
  expect(Array.from(b!.indices)).toEqual(expected);
});

describe('a module that cannot be loaded', () => {
  test.each([0, 1])('is the caller’s mistake with %d workers, whatever onError says', async (workers) => {
    const dataset = await fromRecords([{ x: 1 }, { x: 2 }]);
    const stream = dataset
      .stream()
      .map(new URL('./modules/nothing.mjs', import.meta.url), { workers, onError: 'skip' });
    await expect(gather(stream)).rejects.toThrow(failure('INVALID_ARGUMENT', /nothing\.mjs could not be loaded/));
  });
});

test('options that are no object are refused by name', () => {
  const stream = range(3).stream() as any;
  for (const build of [
    () => stream.map((x: number) => x, null),
    () => stream.filter(keep, null),
    () => stream.flatMap(keep, null),
    () => stream.window(2, null),
    () => stream.pack(2, null),
    () => stream.bucketByLength(2, null),
    () => stream.prefetch(null),
    () => stream.batch(1).map(keep, null),
    () => mix([stream], null as never),
    () => range(3).split({ a: 1 }, null as never),
    () => range(3).split(null as never, { seed: 1 }),
    () => range(3).split({ a: 1 }, { seed: 1, other: 2 } as never),
  ])
    expect(build).toThrow(failure('INVALID_ARGUMENT', /./));
});

test('prefetch of nothing is none', async () => {
  const stream = range(5).stream(SEEDED).batch(2);
  expect(await gather(stream.prefetch({ batches: 0 }))).toHaveLength(3);
});

test('an endless repeat has an infinite length, computed or not', () => {
  expect(range(3).stream().repeat().length).toBe(Infinity);
  expect(range(3).stream().filter(keep).repeat().length).toBe(Infinity);
  expect(range(3).stream().filter(keep).repeat(2).length).toBeUndefined();
});
