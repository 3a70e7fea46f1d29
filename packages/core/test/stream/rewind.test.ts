import { describe, expect, test } from '@jest/globals';
import { mix, rewind, type Batch, type Flow, type Stream, type StreamState } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range, through } from './gather.js';

const records = (length = 12): Stream => range(length).stream({ shuffle: true, shuffleSeed: 5 });
const double = (x: number): number => 2 * x;
const vector = (x: number) => ({ tokens: new Int32Array(1 + (x % 3)) });
/** An element, and of a batch its number too. */
const shown = (element: unknown): unknown => {
  const { step, epoch, records: rows } = element as Partial<Batch>;
  return rows === undefined ? element : [step, epoch, (element as Batch).records()];
};

/** All elements of an iteration, with the states before them. */
async function lived(flow: Flow<unknown>, limit: number): Promise<{ elements: unknown[]; states: StreamState[] }> {
  const elements: unknown[] = [];
  const states = [through(flow.state)];
  for await (const element of flow) {
    elements.push(shown(element));
    states.push(through(flow.state));
    if (elements.length === limit) break;
  }
  await flow.close();
  return { elements, states };
}

/** Records of the dataset before a state, in its epoch. */
function positionOf({ node }: StreamState): { epoch: number; position: number } {
  let inner = node;
  while (inner.kind === 'step') inner = inner.input;
  return inner as { epoch: number; position: number };
}

describe('a state that was rewound', () => {
  const pipelines: Record<string, () => Flow<unknown>> = {
    records: () => records(),
    map: () => records().map(double),
    'filter, map': () => records().filter((x: number) => x % 3 > 0).map(double, { id: 'x' }), // prettier-ignore
    'window with shift 1': () => records().window(3, { shift: 1 }),
    'filter, window with shift 1': () => records().filter((x: number) => x % 3 > 0).window(2, { shift: 1 }), // prettier-ignore
    repeat: () => records(5).repeat(3),
    'endless repeat': () => records(5).map(double).repeat(),
    'filter, repeat': () => records(7).filter((x: number) => x % 3 > 0).repeat(), // prettier-ignore
    batch: () => records().batch(3),
    'map, batch, map': () => records().map(double).batch(2).map(({ columns }) => columns), // prettier-ignore
    'batch, repeat': () => records().batch(4).repeat(),
    'batch with a short one, repeat': () => records(11).batch(4).repeat(3),
    'repeat, batch': () => records(10).repeat().batch(4),
    'repeat, window with shift 1, batch': () => records(9).repeat(3).window(2, { shift: 1 }).batch(2),
    'globalBatch of a shard': () => range(20).stream({ shardRank: 1, numShards: 3 }).globalBatch(4),
    'batch of a shard that drops a remainder, after repeat': () => range(11).stream({ shardRank: 1, numShards: 2, dropShardRemainder: true }).repeat().batch(2), // prettier-ignore
    'batch of a shard made before the shuffle, after repeat': () => range(16).stream({ shuffle: true, shuffleSeed: 1, shardRank: 1, numShards: 2, shardBeforeShuffle: true }).repeat().batch(2), // prettier-ignore
    'batch of a rank dealt first': () => range(20).stream({ shardRank: 1, numShards: 2, shardFirst: true }).batch(3),
  };
  test.each(Object.entries(pipelines))('is the state that there was before those records: %s', async (_, make) => {
    const { elements, states } = await lived(make(), 14);
    let rewound = 0;
    for (const [late, state] of states.entries()) {
      expect(rewind(state, { records: 0 })).toEqual(state);
      for (const [early, before] of states.slice(0, late).entries()) {
        const [{ epoch, position }, { epoch: e, position: p }] = [positionOf(state), positionOf(before)];
        if (e !== epoch || p === position) continue;
        const back = rewind(state, { records: position - p });
        expect(back).toEqual(before);
        rewound++;
        const again = await gather(make().resume(back), late - early);
        expect(again.map(shown)).toEqual(elements.slice(early, late));
      }
    }
    expect(rewound).toBeGreaterThan(5);
  });

  const refused: Record<string, [make: () => Flow<unknown>, message: RegExp, after?: number]> = {
    'bucketByLength at the edge of a block': [() => records().bucketByLength(2, { blockSize: 4, lengthOf: double }), /bucketByLength\(2,4\) cuts.*earlier element/, 4], // prettier-ignore
    'window at the edge of one': [() => records().window(3), /window\(3,3\) cuts/],
    'pack best-fit at the edge of a block': [() => records().map(vector).pack(100, { strategy: 'best-fit', blockSize: 3 }), /pack\(100,best-fit,3\) cuts/], // prettier-ignore
    'pack at the edge of a record': [() => range(9).stream().map(() => vector(0)).pack(1), /pack\(1,concatenate\) cuts/], // prettier-ignore
    'such a step before batch': [() => records().window(2).batch(1), /window\(2,2\) cuts/],
    unbatch: [() => records().batch(1).unbatch(), /unbatch counts/],
    take: [() => records().take(4), /take counts/],
    skip: [() => records().skip(2), /skip counts/],
    'flatMap within a record': [() => records().flatMap((x: number) => [x, x]), /flatMap counts/, 3],
    'a mix': [() => mix([records()], { weights: [1], until: 'allEnd' }), /mix.*counts/],
    'what is no whole batch': [() => records().batch(3), /1 records must be whole batches.*2 batches of 3 records.*by 3, or a multiple/, 2], // prettier-ignore
    'what is no whole batch of all shards': [() => range(12).stream({ shardRank: 0, numShards: 2 }).batch(3), /batches of 6 records over all shards/], // prettier-ignore
    'batches behind a filter': [() => records().filter((x: number) => x % 3 > 0).batch(2), /with filter or flatMap before them/], // prettier-ignore
  };
  test.each(Object.entries(refused))(
    'is refused, with why and what to do: %s',
    async (_, [make, message, after = 1]) => {
      const { states } = await lived(make(), after);
      expect(() => rewind(states[after] as StreamState, { records: 1 })).toThrow(failure('UNSUPPORTED', message));
      expect(() => rewind(states[after] as StreamState, { records: 1 })).toThrow(failure('UNSUPPORTED', /earlier (?:element|batch)/)); // prettier-ignore
    },
  );

  test('is refused where batches were of several sizes', async () => {
    const { states } = await lived(records().batch(2), 1);
    const { states: later } = await lived(records().batch(5).resume(states[1]), 1);
    expect(() => rewind(later[1] as StreamState, { records: 5 })).toThrow(failure('UNSUPPORTED', /2 batches that were not of one size/)); // prettier-ignore
  });

  test('after a resume with another size is refused, or gives the records from there on', async () => {
    const all = (await gather<Batch>(records(24).batch(1))).flatMap((batch) => batch.records());
    const outcomes = { exact: 0, refused: 0 };
    for (const [first, second] of [
      [1, 2],
      [2, 4],
      [2, 5],
      [3, 1],
      [4, 2],
      [6, 3],
    ] as const) {
      const { states } = await lived(records(24).batch(first), 2);
      const { states: later } = await lived(records(24).batch(second).resume(states[2]), 2);
      const state = later[2] as StreamState;
      const { position } = positionOf(state);
      for (let back = 1; back <= position; back++) {
        let earlier: StreamState;
        try {
          earlier = rewind(state, { records: back });
        } catch (error) {
          expect(error).toEqual(failure('UNSUPPORTED', /batches/));
          outcomes.refused++;
          continue;
        }
        outcomes.exact++;
        expect(positionOf(earlier).position).toBe(position - back);
        const again = await gather<Batch>(records(24).batch(second).resume(earlier));
        expect(again.flatMap((batch) => batch.records())).toEqual(all.slice(position - back));
      }
    }
    expect(outcomes.exact).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });

  test('is refused across the beginning of an epoch, under repeat too', async () => {
    const { states } = await lived(records(5).repeat(), 7);
    expect(() => rewind(states[7] as StreamState, { records: 3 })).toThrow(failure('OUT_OF_RANGE', /epoch 1 has 2 records/)); // prettier-ignore
  });
});
