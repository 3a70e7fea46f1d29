import { describe, expect, test } from '@jest/globals';
import { diff, explain, joinStates, parseState, rewind, type StreamState } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range, through } from './gather.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 7 } as const;
const isOdd = (value: number): boolean => value % 2 === 1;
const make = (shardRank: number, numShards: number) =>
  range(30).stream({ ...SHUFFLED, shardRank, numShards, shardFirst: true }).filter(isOdd); // prettier-ignore
const make2 = (rank: number) => make(rank, 2);

/** States of two ranks, the first of which is in epoch 1, and what they have given. */
async function twoStates(): Promise<[StreamState, StreamState]> {
  const [a, b] = [make2(0), make2(1)];
  await gather(a);
  await gather(a, 2);
  await gather(b, 3);
  return [through(a.state), through(b.state)];
}

describe('the state of one rank', () => {
  test('says whose it is, and what it began with', async () => {
    const stream = make2(1);
    await gather(stream, 1);
    const { node, epoch } = stream.state;
    expect(epoch).toBe(0);
    expect(node).toMatchObject({ input: { numShards: 2, shardFirst: { rank: 1, layers: [] } } });
    const joined = joinStates(await twoStates());
    const resumed = make(2, 3).resume(joined);
    const layers = [[[1, expect.any(Number)], [0, expect.any(Number)]]]; // prettier-ignore
    expect(resumed.state.node).toMatchObject({
      input: { numShards: 3, epoch: 0, position: 0, shardFirst: { rank: 2, layers } },
    });
    await gather(resumed);
    await gather(resumed);
    // Once nothing that was done before matters any more, it is left out.
    expect(resumed.state.node).toMatchObject({ input: { epoch: 2, shardFirst: { rank: 2, layers: [] } } });
  });

  test('is good for that rank of that world alone', async () => {
    const [, state] = await twoStates();
    expect(await gather(make2(1).resume(state))).toEqual((await gather(make2(1))).slice(3));
    for (const [rank, shards] of [
      [0, 2],
      [1, 3],
      [0, 1],
    ] as const)
      // prettier-ignore
      expect(() => make(rank, shards).resume(state)).toThrow(failure('STATE_WORLD', /rank 1 of 2 alone.*joinStates/));
  });

  test('goes with streams that are dealt first, and with no others', async () => {
    const [, state] = await twoStates();
    const plain = range(30)
      .stream({ ...SHUFFLED, shardRank: 1, numShards: 2 })
      .filter(isOdd);
    expect(() => plain.resume(state)).toThrow(failure('STATE_WORLD', /with shardFirst/));
    expect(() => plain.resume(joinStates([...(state === undefined ? [] : [state]), make2(0).state]))).toThrow(
      failure('STATE_WORLD', /with shardFirst/),
    );
    expect(() => make2(1).resume(plain.state)).toThrow(failure('STATE_WORLD', /without shardFirst/));
  });

  test('beyond the end of what the rank has is refused', async () => {
    const broken = through((await twoStates())[1]) as any;
    broken.node.input.position = 16;
    expect(() => make2(1).resume(broken as StreamState)).toThrow(failure('STATE_INVALID', /position is 16.*has 15/));
  });
});

describe('dataref.resume', () => {
  test('knows the rank of a rank’s state, and refuses another', async () => {
    const [, state] = await twoStates();
    expect(await gather(range(30).resume(state).filter(isOdd))).toEqual((await gather(make2(1))).slice(3));
    const other = range(30).resume(state, { shardRank: 0, numShards: 2 }).filter(isOdd);
    expect(() => other.state).toThrow(failure('STATE_WORLD', /joinStates/));
  });

  test('needs to be told its share of a joined state, and takes any', async () => {
    const state = joinStates(await twoStates());
    expect(() => range(30).resume(state)).toThrow(failure('SHARD_REQUIRED', /2 shards/));
    const all = await gather<number>(range(30).resume(state, { shardRank: 0, numShards: 1 }).filter(isOdd));
    const halves = [0, 1].map((shardRank) => gather<number>(range(30).resume(state, { shardRank, numShards: 2 }).filter(isOdd))); // prettier-ignore
    const [a, b] = (await Promise.all(halves)) as [number[], number[]];
    expect(new Set([...a, ...b])).toEqual(new Set(all));
    expect(a.length + b.length).toBe(all.length);
  });
});

describe('explain, diff and rewind', () => {
  test('say whose positions they are, and what comes next', async () => {
    const [a, b] = await twoStates();
    const order = await gather<number>(range(30).stream(SHUFFLED));
    const { position } = (b.node as any).input as { position: number };
    expect(explain(b)).toContain(`epoch 0, position ${position}, of rank 1 of 2 alone`);
    expect(explain(b)).toContain(`comes next: record ${order[1 + 2 * position]}`);
    const state = joinStates([a, b]);
    expect(explain(state)).toContain(`epoch 0, of which ${15 - position} are left: joined of 2 ranks`);
    expect(explain(state)).toContain(`comes next: record ${order[1 + 2 * position]}`);
    const resumed = make(1, 2).resume(state);
    expect(explain(resumed.state)).toContain(`of rank 1 of 2 alone, of the ${15 - position} that were left when it began`); // prettier-ignore
    expect(explain(resumed.state)).toContain(`comes next: record ${order[3 + 2 * position]}`);
  });

  test('find where two states differ', async () => {
    const [a, b] = await twoStates();
    expect(diff(a, b).map(({ path }) => path)).toContain('node.input.shardFirst.rank');
    const [x, y] = [joinStates([a, b]), joinStates([a, make2(1).state])];
    expect(diff(x, y)).toEqual([
      { path: 'node.input.shardFirst.layers[0][1][1]', a: (b.node as any).input.position as number, b: 0 },
    ]);
  });

  test('rewind a rank, and refuse a joined state', async () => {
    const stream = range(30).stream({ ...SHUFFLED, shardRank: 1, numShards: 2, shardFirst: true });
    const all = await gather(stream, 5);
    expect(await gather(stream.resume(rewind(stream.state, { records: 2 })), 2)).toEqual(all.slice(3));
    const joined = joinStates(await twoStates());
    expect(() => rewind(joined, { records: 1 })).toThrow(failure('UNSUPPORTED', /rewind those, then join/));
  });
});

describe('an endless repeat', () => {
  test('goes on over passes in which a rank has nothing, while others have', async () => {
    // Of ten records one is kept: each rank has it in some epochs.
    for (const shardRank of [0, 1, 2]) {
      const stream = range(10).stream({ ...SHUFFLED, shardRank, numShards: 3, shardFirst: true });
      const kept = await gather(stream.filter((x: number) => x === 4).repeat(), 5); // prettier-ignore
      expect(kept).toEqual([4, 4, 4, 4, 4]);
    }
  });

  test('over a filter that never gives anything is EMPTY', async () => {
    const stream = make2(0).filter(() => false).repeat(); // prettier-ignore
    await expect(gather(stream)).rejects.toEqual(failure('EMPTY', /never end/));
  });

  test('that begins epochs behind other ranks goes on through what they left, which may be nothing', async () => {
    const endless = (rank: number, numShards: number) =>
      range(2).stream({ shardRank: rank, numShards, shardFirst: true }).repeat(); // prettier-ignore
    const [a, b] = [endless(0, 2), endless(1, 2)];
    await gather(a, 40);
    const state = joinStates([a.state, b.state]);
    expect(state.epoch).toBe(0);
    // One record of each of the first 40 epochs is left, which is rank 0's.
    expect(await gather(endless(0, 2).resume(state), 42)).toEqual([...Array.from({ length: 40 }, () => 1), 0, 0]);
    expect(await gather(endless(1, 2).resume(state), 2)).toEqual([1, 1]);
    const kept = endless(1, 2).filter(() => true); // prettier-ignore
    const joined = joinStates([0, 1].map((rank) => endless(rank, 2).filter(() => true).resume(withFilter(state)).state)); // prettier-ignore
    expect(await gather(kept.resume(joined), 2)).toEqual([1, 1]);
  });
});

/** A state of `repeat()` as one of a filter after it. */
function withFilter(state: StreamState): StreamState {
  return { ...state, node: { kind: 'step', name: 'filter', count: 0, input: state.node } };
}

describe('parseState refuses', () => {
  const good = async (): Promise<any> => through(joinStates(await twoStates()));

  test('nothing of a state of one rank, or of a joined one', async () => {
    for (const state of [...(await twoStates()), await good()]) expect(parseState(through(state))).toEqual(state);
  });

  test.each([
    ['shardFirst', [null, true, [], 1]],
    ['shardFirst.rank', [undefined, 2, -1, 0.5, '0']],
    ['shardFirst.layers', [undefined, {}, Array.from({ length: 65 }, () => [[0, 0]])]],
    ['shardFirst.layers[0]', [null, [], 3, Array.from({ length: 16_385 }, () => [0, 0])]],
    ['shardFirst.layers[0][1]', [null, [], [1], [1, 2, 3], { 0: 1, 1: 2 }]],
    ['shardFirst.layers[0][1][0]', [-1, 0.5, '1', 2 ** 53, 65_537]],
    ['shardFirst.layers[0][1][1]', [-1, 0.5, null, 31, Infinity]],
  ])('a bad %s, and names it', async (path, values) => {
    const names = path.replaceAll('[', '.').replaceAll(']', '').split('.');
    for (const value of values) {
      const broken = await good();
      let at = broken.node.input;
      for (const name of names.slice(0, -1)) at = at[name];
      at[names.at(-1) as string] = value;
      expect(() => parseState(broken)).toThrow(
        expect.objectContaining({ code: 'STATE_INVALID', details: { path: `node.input.${path}` } }),
      );
    }
  });

  test('a state that is dealt first and sharded before the shuffle', async () => {
    const broken = await good();
    broken.node.input.order.shardBeforeShuffle = [0, 2];
    expect(() => parseState(broken)).toThrow(failure('STATE_INVALID', /shardFirst should be absent/));
  });

  test('a joined state with a position, which belongs to no rank', async () => {
    const broken = await good();
    broken.node.input.position = 3;
    expect(() => parseState(broken)).toThrow(failure('STATE_INVALID', /position should be 0/));
  });
});
