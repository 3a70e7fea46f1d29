import { describe, expect, jest, test } from '@jest/globals';
import { concat, defineDataRef, field, fromColumns, parseState, type DataRef, type StreamState } from '@dataref/core';
import * as fc from 'fast-check';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { storageOver, storeInParts } from './store-in-parts.js';

jest.setTimeout(600_000);
const seed = announceSeed('stream/shuffle-by-parts');
const BY_PARTS = { shuffle: true, shuffleSeed: 7, shuffleAlgorithm: 'parts' } as const;
const range = (length: number): DataRef => fromColumns(Int32Array.from({ length }, (_, i) => i));

async function stored(length: number, partRecords: number): Promise<DataRef> {
  const store = new MemoryStore();
  await storeInParts(store, range(length), 'a', '1', partRecords);
  return storageOver(store, 'positional').fetch('a', '1');
}

async function all(stream: AsyncIterable<number>, limit = Infinity): Promise<number[]> {
  const seen: number[] = [];
  for await (const value of stream) {
    seen.push(value);
    if (seen.length >= limit) break;
  }
  return seen;
}

const through = (state: StreamState): StreamState => JSON.parse(JSON.stringify(state)) as StreamState;
const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe('an epoch', () => {
  test('has each record once, another order each time, and window after window of parts', async () => {
    const stream = (await stored(120, 10)).stream({ ...BY_PARTS, shuffleWindow: 3 });
    const epochs = [await all(stream), await all(stream)];
    expect(epochs[0]).not.toEqual(epochs[1]);
    for (const epoch of epochs) {
      expect(sorted(epoch)).toEqual(upTo(120));
      const windows = upTo(4).map((w) => new Set(epoch.slice(30 * w, 30 * w + 30).map((i) => Math.floor(i / 10))));
      expect(windows.map(({ size }) => size)).toEqual([3, 3, 3, 3]);
    }
    const kept = (await stored(120, 10)).stream({ ...BY_PARTS, shuffleWindow: 3, skipShuffleAtEpochEnd: true });
    expect([await all(kept), await all(kept)]).toEqual([epochs[0], epochs[0]]);
  });

  test('has windows of 16 parts where none is named', async () => {
    const dataref = await stored(200, 10);
    const named = dataref.stream({ ...BY_PARTS, shuffleWindow: 16 });
    expect(dataref.stream(BY_PARTS).state).toEqual(named.state);
    expect(await all(dataref.stream(BY_PARTS))).toEqual(await all(named));
  });

  test('of data in memory is a shuffle of one part; slices, selections and concatenations have parts of their own', async () => {
    expect(sorted(await all(range(50).stream(BY_PARTS)))).toEqual(upTo(50));
    const dataref = await stored(100, 10);
    const slice = await all(dataref.slice(25, 62).stream({ ...BY_PARTS, shuffleWindow: 1 }));
    expect(sorted(slice)).toEqual(upTo(37).map((i) => i + 25));
    const changes = slice.filter((value, i) => i > 0 && Math.floor(value / 10) !== Math.floor(slice[i - 1]! / 10));
    expect(changes.length).toBe(4); // parts of 5, 10, 10, 10 and 2 records, one after another
    const both = concat(range(5), dataref.slice(0, 20));
    expect(await all(both.stream({ ...BY_PARTS, shuffleWindow: 1 }))).toHaveLength(25);
  });
});

test('elastic restarts: whatever worlds go on from a state, each record of the epoch comes once', async () => {
  const worlds = fc.array(fc.record({ shards: fc.integer({ min: 1, max: 5 }), steps: fc.integer({ min: 1, max: 6 }) }), { minLength: 1, maxLength: 4 }); // prettier-ignore
  const anyCase = fc.record({ length: fc.integer({ min: 1, max: 60 }), partRecords: fc.integer({ min: 1, max: 9 }), window: fc.integer({ min: 1, max: 5 }), worlds }); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ length, partRecords, window, worlds: restarts }) => {
      const dataref = await stored(length, partRecords);
      const options = { ...BY_PARTS, shuffleWindow: window };
      const seen: number[] = [];
      let state: StreamState | undefined;
      for (const [i, { shards, steps }] of [...restarts, { shards: 1, steps: Infinity }].entries()) {
        const streams = upTo(shards).map((shardRank) =>
          dataref
            .stream({ ...options, shardRank, numShards: shards })
            .globalBatch(5)
            .resume(state),
        );
        if (i > 0 && streams[0]!.epoch > 0) break;
        for (const stream of streams) {
          let left = steps;
          for await (const { indices } of stream) {
            seen.push(...Array.from(indices));
            if (--left <= 0) break;
          }
        }
        state = through(streams[0]!.state);
        for (const stream of streams) expect(stream.state).toEqual(streams[0]!.state);
      }
      expect(sorted(seen)).toEqual(upTo(length));
    }),
    { seed, numRuns: runs(300) },
  );
});

test('startOffset leaves out records of this shard, over epochs too', async () => {
  const dataref = await stored(60, 7);
  const options = { ...BY_PARTS, shuffleWindow: 2, shardRank: 1, numShards: 3 };
  const whole = dataref.stream(options);
  const epochs = [...(await all(whole)), ...(await all(whole))];
  for (const startOffset of [1, 19, 20, 33])
    expect(await all(dataref.stream({ ...options, startOffset }))).toEqual(
      epochs.slice(startOffset, startOffset < 20 ? 20 : 40),
    );
});

describe('a state', () => {
  const stateOf = async (dataref: DataRef, shuffleWindow = 3): Promise<StreamState> => {
    const stream = dataref.stream({ ...BY_PARTS, shuffleWindow }).batch(4);
    for await (const { step } of stream) if (step === 4) break;
    return through(stream.state);
  };

  test('names the algorithm, the window and the layout, and stays small', async () => {
    const state = await stateOf(await stored(100, 10));
    expect(state.node).toMatchObject({
      input: { order: { algorithm: 'parts', window: 3, layout: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown } },
    });
    expect(JSON.stringify(state).length).toBeLessThan(512);
    expect(parseState(state)).toEqual(state);
    const other = (await stored(100, 10)).stream({ shuffle: true, shuffleSeed: 7 }).state;
    expect(Object.keys((other.node as { order: object }).order)).toEqual(['algorithm', 'seed', 'reshuffle', 'shardBeforeShuffle']); // prettier-ignore
  });

  test('is refused where the same records are cut otherwise, and by another window or algorithm, naming the field', async () => {
    const dataref = await stored(100, 10);
    const state = await stateOf(dataref);
    const cut = await stored(100, 20);
    expect(cut.fingerprint).toBe(dataref.fingerprint);
    const resume = (data: DataRef, options: object) => () => data.stream({ ...BY_PARTS, ...options }).batch(4).resume(state); // prettier-ignore
    expectError(resume(cut, { shuffleWindow: 3 }), 'STATE_MISMATCH', /order\.layout.*cut into other parts/);
    expectError(resume(dataref, { shuffleWindow: 4 }), 'STATE_MISMATCH', /order\.window \(shuffleWindow\) is 3/);
    expectError(resume(dataref, {}), 'STATE_MISMATCH', /order\.window/);
    expectError(resume(dataref, { shuffleAlgorithm: 'numpy' }), 'STATE_MISMATCH', /order\.algorithm/);
    expectError(() => cut.resume(state).batch(4).epoch, 'STATE_MISMATCH', /order\.layout/);
    resume(dataref, { shuffleWindow: 3 })();
  });

  test('has all that dataref.resume needs', async () => {
    const dataref = await stored(100, 10);
    const state = await stateOf(dataref);
    const rest = async (stream: AsyncIterable<{ indices: ArrayLike<number> }>): Promise<number[]> => {
      const seen: number[] = [];
      for await (const { indices } of stream) seen.push(...Array.from(indices));
      return seen;
    };
    const wanted = await all(dataref.stream({ ...BY_PARTS, shuffleWindow: 3 }));
    expect(await rest(dataref.resume(state).batch(4))).toEqual(wanted.slice(20));
  });

  test.each([
    ['window', 0],
    ['window', 1.5],
    ['window', undefined],
    ['layout', 'f327'],
    ['layout', 'F327A7DC7769EECD'],
    ['layout', undefined],
  ])('with %s %j is no state', async (name, value) => {
    const state = through((await stored(20, 5)).stream(BY_PARTS).state);
    const { order } = state.node as unknown as { order: Record<string, unknown> };
    order[name] = value;
    expectError(() => parseState(state), 'STATE_INVALID', new RegExp(`order\\.${name}`));
  });
});

describe('refused, saying what to do:', () => {
  const own = defineDataRef({ length: 4, schema: field('float64'), fingerprint: 'x', read: (at) => [...at] });
  test.each([
    ['a split', () => range(20).split({ a: 0.5 }, { seed: 1 }).a.stream(BY_PARTS), /slice\(\) instead of split\(\)/],
    ['a DataRef of one’s own', () => own.stream(BY_PARTS), /'permutation'/],
    ['a slice of one', () => own.slice(1).stream(BY_PARTS), /'permutation'/],
    ['a concatenation with one', () => concat(own, own).stream(BY_PARTS), /'permutation'/],
    ['shardBeforeShuffle', () => range(20).stream({ ...BY_PARTS, shardBeforeShuffle: true }), /leave one of them out/],
    ['a window of no parts', () => range(20).stream({ ...BY_PARTS, shuffleWindow: 0 }), /shuffleWindow/],
    ['half a part', () => range(20).stream({ ...BY_PARTS, shuffleWindow: 1.5 }), /shuffleWindow/],
    ['a window of another algorithm', () => range(20).stream({ shuffle: true, shuffleSeed: 1, shuffleWindow: 4 }), /shuffleAlgorithm: 'parts'/],
    ['another algorithm', () => range(20).stream({ ...BY_PARTS, shuffleAlgorithm: 'blocks' as never }), /'numpy', 'permutation' or 'parts'/],
  ])('%s', (_name, build, message) => {
    expectError(build, 'INVALID_ARGUMENT', message);
  }); // prettier-ignore
});

function expectError(attempt: () => unknown, code: Parameters<typeof failure>[0], message: RegExp): void {
  let thrown: unknown;
  try {
    attempt();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toEqual(failure(code, message));
}
