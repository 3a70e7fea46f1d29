import { describe, expect, jest, test } from '@jest/globals';
import {
  concatStreams,
  mix,
  zip,
  defineDataRef,
  field,
  joinStates,
  type Flow,
  type MapContext,
  type StreamState,
} from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { scale } from '../scale.js';
import { build, goOn, type Pipeline } from './dealt-first.js';
import { gather, iterate, range, through } from './gather.js';
import { storageOver, storeInParts } from './store-in-parts.js';

jest.setTimeout(600_000);
const SHUFFLED = { shuffle: true, shuffleSeed: 7 } as const;
const MODULE = new URL('./modules/augment.mjs', import.meta.url);
const isOdd = (value: number): boolean => value % 2 === 1;
type Options = typeof SHUFFLED & { readonly shardRank: number; readonly numShards: number; readonly shardFirst: true };
const ranksOf = (numShards: number) => Array.from({ length: numShards }, (_, shardRank) => ({ shardRank, numShards }));
const first = (numShards: number): Options[] =>
  ranksOf(numShards).map((shard) => ({ ...SHUFFLED, ...shard, shardFirst: true }));
const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** States of all ranks, each after so many elements of its iteration. */
async function statesAfter(make: (options: Options) => Flow<any>, elements: readonly number[]) {
  return Promise.all(
    first(elements.length).map(async (options, rank) => {
      const flow = make(options);
      await gather(flow, elements[rank]);
      return through(flow.state);
    }),
  );
}

/** What all ranks of a world give, resumed at a state, to the end of their iterations. */
async function restOf<T>(make: (options: Options) => Flow<T>, state: StreamState, numShards: number) {
  const shares = await Promise.all(first(numShards).map((options) => gather(make(options).resume(through(state)))));
  return shares.flat();
}

describe('a stream that is dealt first', () => {
  test('gives each rank every numShards-th record of the shuffled order', async () => {
    const order = await gather<number>(range(11).stream(SHUFFLED));
    for (const [rank, options] of first(3).entries()) {
      const stream = range(11).stream(options);
      expect(stream.length).toBe(order.filter((_, i) => i % 3 === rank).length);
      expect(await gather(stream)).toEqual(order.filter((_, i) => i % 3 === rank));
    }
  });

  test('reads, maps and filters on each rank its own records alone', async () => {
    const order = await gather<number>(range(40).stream(SHUFFLED));
    const outputs: number[] = [];
    for (const [rank, options] of first(3).entries()) {
      const [read, mapped, tried]: [number[], number[], number[]] = [[], [], []];
      const data = defineDataRef({
        length: 40,
        schema: field('float64'),
        fingerprint: range(40).fingerprint,
        read: (indices) => (read.push(...indices), [...indices]),
      });
      const stream = data
        .stream(options)
        .map((value: number) => (mapped.push(value), value), { schema: field('float64') })
        .filter((value: number) => (tried.push(value), isOdd(value)));
      outputs.push(...(await gather<number>(stream)));
      const own = order.filter((_, i) => i % 3 === rank);
      expect([read, mapped, tried]).toEqual([own, own, own]);
    }
    expect(ascending(outputs)).toEqual(upTo(40).filter(isOdd));
  });

  test('reads after a restart at another world size what was left alone, dealt anew', async () => {
    const make = (options: object) => range(40).stream(options).filter(isOdd).batch(2);
    const states = await statesAfter(make, [3, 0, 1]);
    const state = joinStates(states);
    const read: number[][] = [];
    for (const options of first(2)) {
      const own: number[] = [];
      const data = defineDataRef({
        length: 40,
        schema: field('float64'),
        fingerprint: range(40).fingerprint,
        read: (indices) => (own.push(...indices), [...indices]),
      });
      await gather(data.stream(options).filter(isOdd).batch(2).resume(state));
      read.push(own);
    }
    const order = await gather<number>(range(40).stream(SHUFFLED));
    const before = states.map(({ epoch, node }) =>
      epoch > 0 ? Infinity : ((node as any).input.input.position as number),
    );
    expect(before).toEqual([Infinity, 0, expect.any(Number)]);
    const left = order.filter((_, i) => Math.floor(i / 3) >= before[i % 3]!);
    expect(read).toEqual([left.filter((_, i) => i % 2 === 0), left.filter((_, i) => i % 2 === 1)]);
  });

  test('tells functions the position in the order over all shards, before a restart and after it', async () => {
    const order = await gather<number>(range(20).stream(SHUFFLED));
    const note = (value: number, { position, index }: MapContext) => [value, position, index] as const;
    const schema = [field('float64'), field('float64'), field('float64')] as const;
    const make = (options: object) => range(20).stream(options).map(note, { schema });
    const states = await statesAfter(make, [4, 1]);
    const shares = await Promise.all(first(2).map((options) => gather<any>(make(options), 2)));
    const seen = [...shares.flat(), ...(await restOf<any>(make, joinStates(states), 3))];
    expect(seen.length).toBe(4 + 15);
    for (const [value, position, index] of seen) expect([value, index]).toEqual([order[position], order[position]]);
    const batchPositions: number[] = [];
    const batches = range(20).stream(first(2)[1]).batch(3).map((batch, context) => (batchPositions.push(context.position), batch.columns)); // prettier-ignore
    await gather(batches);
    expect(batchPositions).toEqual([1, 7, 13, 19]);
  });

  test('works with an order by parts, with workers, and with prefetch that is full', async () => {
    const store = new MemoryStore();
    await storeInParts(store, range(60), 'a', '1', 7);
    const data = await storageOver(store, 'positional').fetch('a', '1');
    const make = (options: object) =>
      data
        .stream({ ...options, shuffleAlgorithm: 'parts', shuffleWindow: 2 })
        .filter((value: number) => value % 3 > 0)
        .map(MODULE, { workers: 2, batchSize: 3 })
        .prefetch({ batches: 5 });
    const alone = await gather(make({ ...SHUFFLED }));
    const states: StreamState[] = [];
    const seen: unknown[] = [];
    for (const [rank, options] of first(3).entries()) {
      const flow = make(options);
      const loop = iterate(flow);
      for (let i = 0; i < 2 + 3 * rank; i++) seen.push((await loop.next()).value);
      await new Promise((resolve) => setTimeout(resolve, 20)); // until more is ready than was taken
      states.push(through(flow.state));
      await flow.close();
    }
    const rest = await restOf(make, joinStates(states), 2);
    const text = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).toSorted();
    expect(text([...seen, ...rest])).toEqual(text(alone));
  });

  test('refuses what holds parts of records, or more than one stream, when it is chained', () => {
    const stream = range(9).stream(first(2)[0]);
    const refused = (what: string) => failure('INVALID_ARGUMENT', new RegExp(`${what}.*shardFirst`));
    expect(() => stream.flatMap((x: number) => [x])).toThrow(refused('flatMap'));
    expect(() => stream.window(2)).toThrow(refused('window'));
    const texts = stream.map((x: number) => new Int32Array(x));
    expect(() => texts.pack(2)).toThrow(refused('pack'));
    expect(() => texts.bucketByLength(2)).toThrow(refused('bucketByLength'));
    for (const options of [first(2)[0]!, first(1)[0]!]) {
      const inputs = [range(9).stream(), range(9).stream(options)];
      expect(() => zip(inputs)).toThrow(refused('zip: stream 1'));
      expect(() => concatStreams(inputs)).toThrow(refused('concatStreams: stream 1'));
      expect(() => mix(inputs, { weights: [1, 1], until: 'allEnd' })).toThrow(refused('mix: stream 1'));
    }
    expect(() => stream.batch(2).unbatch()).toThrow(refused('unbatch'));
    expect(() => stream.filter(isOdd).globalBatch(2)).toThrow(refused('globalBatch'));
  });

  test.each(['shardBeforeShuffle', 'dropShardRemainder'])('does not go with %s', (name) => {
    const options = { ...first(2)[0], [name]: true } as object;
    expect(() => range(9).stream(options)).toThrow(failure('INVALID_ARGUMENT', new RegExp(`shardFirst.*${name}`)));
  });

  test.each([0, 1, 'yes', null])('takes no %j for shardFirst', (shardFirst) => {
    expect(() => range(9).stream({ shardFirst } as object)).toThrow(failure('INVALID_ARGUMENT', /shardFirst/));
  });
});

describe('one rank, resumed at any step,', () => {
  const LENGTH = scale < 1 ? 8 : 13;
  const base: Pipeline = { order: 'numpy', percent: 50, passes: 1, repeats: 'outputs', isBatched: false, prefetch: 0, onError: false }; // prettier-ignore
  const pipelines: Record<string, Partial<Pipeline>> = {
    'a map': { percent: 100 },
    'a filter': {},
    'a filter and batches': { isBatched: true },
    'a filter, repeated, batches and prefetch': { passes: 2, isBatched: true, prefetch: 2 },
    'repeated records and a filter': { passes: 2, repeats: 'records', order: 'sequential' },
    'repeated batches': { passes: 2, repeats: 'batches', isBatched: true, percent: 90 },
    'a map that may skip': { onError: true, order: 'permutation' },
    'a filter that leaves little': { percent: 20 },
  };
  for (const [name, changes] of Object.entries(pipelines))
    for (const shard of [...ranksOf(3), { shardRank: 0, numShards: 1 }])
      for (const { name: claim, run } of resumeSuite({
        pipeline: () => build(LENGTH, { ...base, ...changes }, 2, shard),
      }))
        test(`${name}, rank ${shard.shardRank} of ${shard.numShards}: ${claim}`, run);

  test('goes on exactly after it began with a joined state', async () => {
    const pipeline = { ...base, passes: 2 } as const;
    const worlds = ranksOf(3).map((shard) => build(17, pipeline, 2, shard));
    for (const [rank, flow] of worlds.entries()) await goOn(flow, [7, 0, 3][rank]!, 4);
    const joined = joinStates(worlds.map((flow) => through(flow.state)));
    for (const shard of ranksOf(2)) {
      const unbroken = build(17, pipeline, 2, shard).resume(joined);
      const [elements, states]: [unknown[], StreamState[]] = [[], [unbroken.state]];
      while (unbroken.epoch < 6)
        for await (const element of unbroken) {
          elements.push(element);
          states.push(through(unbroken.state));
        }
      for (const [at, state] of states.entries()) {
        const rest = await goOn(build(17, pipeline, 2, shard).resume(state), Infinity, 6);
        expect(rest).toEqual(elements.slice(at));
      }
    }
  });
});

describe('joinStates', () => {
  const filtered = (options: object) => range(30).stream(options).filter(isOdd);
  const ODD = upTo(30).filter(isOdd);

  test('at the very end of an epoch gives the beginning of the next one, whoever ended it how', async () => {
    const state = joinStates(await statesAfter(filtered, [Infinity, Infinity, Infinity]));
    expect(state.epoch).toBe(1);
    expect(state.node).toMatchObject({ input: { epoch: 1, position: 0, shardFirst: { rank: null, layers: [] } } });
    expect(ascending(await restOf<number>(filtered, state, 2))).toEqual(ODD);
  });

  test('of ranks of which one has not begun', async () => {
    const states = await statesAfter(filtered, [4, 0, Infinity]);
    const seen = (await Promise.all(first(3).map((options, rank) => gather<number>(filtered(options), [4, 0, Infinity][rank])))).flat(); // prettier-ignore
    const rest = await restOf<number>(filtered, joinStates(states), 4);
    expect(ascending([...seen, ...rest])).toEqual(ODD);
  });

  test('of ranks in different epochs, each of which goes on where it is', async () => {
    const ahead = filtered(first(2)[0]!);
    const seen = [...(await gather<number>(ahead)), ...(await gather<number>(ahead, 3))];
    const behind = filtered(first(2)[1]!);
    seen.push(...(await gather<number>(behind, 2)));
    const state = joinStates([behind.state, ahead.state]);
    expect(state.epoch).toBe(0);
    for (const options of first(3)) seen.push(...(await goOn<number>(filtered(options).resume(state), Infinity, 2)));
    expect(ascending(seen)).toEqual([...ODD, ...ODD].toSorted((a, b) => a - b));
  });

  test('of a job whose filter drops everything', async () => {
    const none = (options: object) => range(10).stream(options).filter(() => false); // prettier-ignore
    const flows = first(3).map((options) => none(options));
    for (const flow of flows) expect(await gather(flow)).toEqual([]);
    const state = joinStates(flows.map((flow) => flow.state));
    expect(state.epoch).toBe(1);
    expect(await restOf(none, state, 2)).toEqual([]);
  });

  test('of a world of one, and for a world of one', async () => {
    const [alone] = await statesAfter(filtered, [4]);
    const order = await gather<number>(range(30).stream(SHUFFLED).filter(isOdd));
    const state = joinStates([alone!]);
    expect(await restOf(filtered, state, 1)).toEqual(order.slice(4));
    const [a, b] = await statesAfter(filtered, [3, 5]);
    const shares = await Promise.all(first(2).map((options, rank) => gather<number>(filtered(options), [3, 5][rank])));
    const rest = await gather<number>(range(30).stream({ ...SHUFFLED, shardFirst: true }).filter(isOdd).resume(joinStates([b!, a!]))); // prettier-ignore
    expect(rest).toEqual(order.filter((value) => !shares.flat().includes(value)));
  });

  test('of more ranks than there are records', async () => {
    const make = (options: object) => range(2).stream(options).repeat(2).filter(() => true); // prettier-ignore
    const flows = first(5).map((options) => make(options));
    const seen: number[] = [];
    for (const flow of flows) seen.push(...(await gather<number>(flow)), ...(await gather<number>(flow, 1)));
    const state = joinStates(flows.map((flow) => through(flow.state)));
    expect(state.epoch).toBe(3);
    for (const options of first(3)) seen.push(...(await goOn<number>(make(options).resume(state), Infinity, 4)));
    expect(ascending(seen)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  test('of a job joined again at once, any number of times, stands where it stood', async () => {
    let state = joinStates(await statesAfter(filtered, [4, 1, 2]));
    const rest = ascending(await restOf<number>(filtered, state, 1));
    for (const shards of [2, 5, 1, 3]) {
      state = joinStates(first(shards).map((options) => through(filtered(options).resume(state).state)));
      expect(ascending(await restOf<number>(filtered, state, 4))).toEqual(rest);
    }
  });

  test('of ranks in step is as small as the state of one', async () => {
    const make = (options: object) => range(1000).stream(options).map((x: number) => x).batch(5); // prettier-ignore
    const state = joinStates(
      await statesAfter(
        make,
        Array.from({ length: 32 }, () => 3),
      ),
    );
    expect(JSON.stringify(state).length).toBeLessThan(700);
    expect(state.node).toMatchObject({ count: 3, input: { input: { shardFirst: { layers: [[[0, 480]]] } } } });
  });

  test('refuses ranks that are missing, doubled, or of another world', async () => {
    const [a, b, c] = (await statesAfter(filtered, [1, 1, 1])) as [StreamState, StreamState, StreamState];
    const [other] = (await statesAfter(filtered, [1, 1])) as [StreamState];
    expect(() => joinStates([c, a])).toThrow(failure('STATE_WORLD', /rank 1 of 3 is missing.*stream\.state/));
    expect(() => joinStates([a, b, b])).toThrow(failure('STATE_WORLD', /rank 1 comes twice/));
    expect(() => joinStates([other, b, c])).toThrow(failure('STATE_WORLD', /rank 1 is one of 3, rank 0 one of 2/));
  });

  test('refuses states of other datasets, orders, pipelines and beginnings', async () => {
    const [a, b] = (await statesAfter(filtered, [1, 2])) as [StreamState, StreamState];
    const rank1 = first(2)[1]!;
    const others: [Flow<any>, unknown][] = [
      [range(31).stream(rank1).filter(isOdd), failure('STATE_MISMATCH', /dataset\.fingerprint.*rank 1/)],
      [range(30).stream({ ...rank1, shuffleSeed: 8 }).filter(isOdd), failure('STATE_MISMATCH', /order.*rank 1/)], // prettier-ignore
      [range(30).stream(rank1), failure('STATE_PIPELINE', /source on rank 1, source → filter on rank 0/)],
      [range(30).stream(rank1).filter(isOdd, { id: 'odd' }), failure('STATE_PIPELINE', /filter:odd on rank 1/)],
      [filtered(rank1).resume(joinStates([a, b])), failure('STATE_WORLD', /began with another state/)],
    ];
    for (const [flow, refused] of others) expect(() => joinStates([a, flow.state])).toThrow(refused);
  });

  test('refuses what is no list of states of ranks', async () => {
    const states = await statesAfter(filtered, [1, 2]);
    expect(() => joinStates([])).toThrow(failure('INVALID_ARGUMENT', /states of all ranks/));
    expect(() => joinStates(states[0] as never)).toThrow(failure('INVALID_ARGUMENT', /list/));
    expect(() => joinStates([{} as never])).toThrow(failure('STATE_INVALID', /format/));
    expect(() => joinStates([range(9).stream().state])).toThrow(failure('INVALID_ARGUMENT', /without shardFirst/));
    expect(() => joinStates([joinStates(states)])).toThrow(failure('STATE_WORLD', /joined already/));
  });

  test('joins what take and skip count where the ranks are in step, and refuses it where they are not', async () => {
    const inner = (options: object) => range(60).stream(options).skip(2).take(6).filter(isOdd); // prettier-ignore
    const [a, b] = (await statesAfter(inner, [1, 1])) as [StreamState, StreamState];
    expect(a.node).not.toEqual(b.node);
    expect(() => joinStates([a, b])).toThrow(failure('STATE_WORLD', /take counts/));
    const outer = (options: object) => range(60).stream(options).filter(isOdd).skip(1).take(6); // prettier-ignore
    const shares = await Promise.all(first(2).map((options) => gather<number>(outer(options), 2)));
    const rest = await restOf<number>(outer, joinStates(await statesAfter(outer, [2, 2])), 2);
    expect(new Set([...shares.flat(), ...rest]).size).toBe(12);
    const apart = await statesAfter(outer, [2, 3]);
    const apartByAnEpoch = await statesAfter((options) => range(60).stream(options).take(3).repeat(2), [4, 0]);
    expect(() => joinStates(apartByAnEpoch)).toThrow(failure('STATE_WORLD', /take.*different epochs/));
    expect(() => joinStates(apart)).toThrow(failure('STATE_WORLD', /out of step.*take.*3, 2|take.*2, 3/));
  });

  test('joins what take counts over epochs, in whichever the ranks are', async () => {
    const make = (options: object) => range(6).stream(options).filter((x: number) => x % 3 > 0).repeat().batch(1).take(9); // prettier-ignore
    const states = await statesAfter(make, [5, 5]);
    const state = joinStates(states);
    expect(state.node).toMatchObject({ name: 'take', count: 5 });
    expect((await restOf(make, state, 2)).length).toBe(8);
  });
});
