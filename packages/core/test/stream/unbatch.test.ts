import { describe, expect, test } from '@jest/globals';
import {
  concatStreams,
  fromColumns,
  isDataRefError,
  mix,
  type Batch,
  type MapContext,
  type Stream,
} from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { some } from '../scale.js';
import { gather, iterate, through } from './gather.js';
import { storageOver, storeInParts } from './store-in-parts.js';

const range = (length: number) => fromColumns(Int32Array.from({ length }, (_, i) => i));
const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

const store = new MemoryStore();
await storeInParts(store, range(7), 'a', '1', 4);
await storeInParts(store, range(5), 'b', '1', 4);
const storage = storageOver(store, 'positional');
const named = { a: await storage.fetch('a', '1'), b: await storage.fetch('b', '1') };

describe('a state of unbatch', () => {
  const LENGTH = 13;
  const WORLDS = [1, 2, 3];
  const make = (size: number, shardRank: number, numShards: number): Stream =>
    range(LENGTH).stream({ shardRank, numShards }).batch(size).unbatch() as Stream;
  const lives = WORLDS.flatMap((before) => WORLDS.map((after) => [before, after] as const));

  test.each(lives)('of %i ranks goes on on %i with batches of any size, each record once', async (before, after) => {
    for (const size of some([1, 2, 3, 5, 6])) {
      for (let steps = 1; steps * before < LENGTH; steps++) {
        const stream = make(size, before - 1, before);
        await gather(stream, steps);
        const state = through(stream.state);
        for (const next of some([1, 2, 3, 4, 7])) {
          const shares = await Promise.all(
            upTo(after).map((rank) => gather<number>(make(next, rank, after).resume(state))),
          );
          const rest = upTo(LENGTH).slice(steps * before);
          for (const [rank, share] of shares.entries())
            expect(share).toEqual(rest.filter((_, i) => i % after === rank));
        }
      }
    }
  });

  test('goes on with smaller batches again and again', async () => {
    const seen: number[] = [];
    let stream = make(6, 0, 1);
    for (const size of [3, 2, 4, 1]) {
      const loop = iterate<number>(stream);
      for (let i = 0; i < 2; i++) seen.push((await loop.next()).value as number);
      stream = make(size, 0, 1).resume(through(stream.state));
    }
    expect([...seen, ...(await gather<number>(stream))]).toEqual(upTo(LENGTH));
  });
});

describe('what comes after unbatch is told of each record', () => {
  const shuffled = (id: 'a' | 'b', seed: number) => named[id].stream({ shuffle: true, shuffleSeed: seed });
  const pipelines: Record<string, (world: object) => Stream> = {
    'a dataset': (world) => range(11).stream({ shuffle: true, shuffleSeed: 3, ...world }),
    'epochs that batches run over': (world) =>
      range(5)
        .stream({ shuffle: true, shuffleSeed: 3, ...world })
        .repeat(3),
    'outputs of flatMap': (world) => range(4).stream({ shuffle: true, shuffleSeed: 3, ...world }).flatMap((x: number) => [x, x, x]), // prettier-ignore
    'a mix': (world) => mix([shuffled('a', 1), shuffled('b', 2)], { weights: [2, 1], until: 'allEnd', ...world }),
    'streams joined': (world) => concatStreams([shuffled('a', 1), shuffled('b', 2)], world),
  };
  const told = (x: number, { epoch, position, index, random }: MapContext) => [x, epoch, position, index, random()].join(' '); // prettier-ignore

  describe.each(Object.entries(pipelines))('%s', (_name, pipeline) => {
    /** What each rank of a world gives, by turns. */
    const byTurns = async (shards: number, end: (stream: Stream) => Stream): Promise<unknown[]> => {
      const shares = await Promise.all(
        upTo(shards).map((shardRank) => gather(end(pipeline({ shardRank, numShards: shards })))),
      );
      const longest = Math.max(...shares.map(({ length }) => length));
      return upTo(longest).flatMap((turn) => shares.flatMap((share) => share.slice(turn, turn + 1)));
    };

    test('as without batches, whatever their size, on any rank', async () => {
      const alone = await byTurns(1, (stream) => stream.map(told));
      expect(new Set(alone).size).toBe(alone.length);
      for (const shards of [1, 2, 3])
        for (const size of [1, 2, 4, 20])
          expect(await byTurns(shards, (stream) => stream.batch(size).unbatch().map(told))).toEqual(alone);
    });

    test('in errors too', async () => {
      const failures = async (end: (stream: Stream) => Stream): Promise<unknown[]> => {
        const seen: unknown[] = [];
        const fail = () => {
          throw new Error('no');
        };
        const onError = (error: unknown) => {
          if (isDataRefError(error)) seen.push([error.message, error.details]);
          return undefined;
        };
        await gather(end(pipeline({})).map(fail, { onError }));
        return seen;
      };
      const alone = await failures((stream) => stream);
      expect(alone.length).toBeGreaterThan(4);
      expect(await failures((stream) => stream.batch(4).unbatch())).toEqual(alone);
    });

    test('and a state says what it says without them', async () => {
      const epochs = async (flow: Stream): Promise<number[]> => {
        const seen: number[] = [];
        for await (const _ of flow) seen.push(flow.state.epoch);
        return seen;
      };
      expect(await epochs(pipeline({}).batch(4).unbatch())).toEqual(await epochs(pipeline({})));
    });
  });

  test('but where a map of batches made the rows: there of the batch, and the row', async () => {
    const make = () => range(6).stream().batch(3).map(({ columns }) => columns).unbatch().map(told as never); // prettier-ignore
    const rows = (await gather<string>(make())).map((row) => row.split(' '));
    expect(rows.map(([x, , position, index]) => [x, position, index].map(Number))).toEqual(upTo(6).map((i) => [i, i, i])); // prettier-ignore
    expect(new Set(rows.map((row) => row[4])).size).toBe(6);
  });
});

describe('unbatch after a dropped remainder', () => {
  const sharded = (shards: number, shardRank = 0) => range(10).stream({ shardRank, numShards: shards });

  test('is refused where what is dropped would depend on the number of shards', () => {
    const dropped = sharded(2).batch(3, { remainder: 'drop' });
    const refused = failure('INVALID_ARGUMENT', /^unbatch: .*batch\(3.*number of shards.*globalBatch/);
    expect(() => dropped.unbatch()).toThrow(refused);
    expect(() => dropped.map(({ columns }) => columns).take(1).repeat(2).unbatch()).toThrow(refused); // prettier-ignore
  });

  test('leaves out the same of global batches in any world, and of one shard', async () => {
    for (const shards of [1, 2, 3, 5]) {
      const ranks = upTo(shards).map((rank) => sharded(shards, rank).globalBatch(4, { remainder: 'drop' }).unbatch());
      const shares = await Promise.all(ranks.map((stream) => gather<number>(stream)));
      expect(shares.flat().toSorted((a, b) => a - b)).toEqual(upTo(8));
    }
    expect(await gather(sharded(1).batch(4, { remainder: 'drop' }).unbatch())).toEqual(upTo(8));
  });

  test('of its own drops at the end', async () => {
    const batches = await gather<Batch>(sharded(2).batch(3).unbatch().batch(2, { remainder: 'drop' }));
    expect(batches.map((batch) => batch.records())).toEqual([[0, 2], [4, 6]]); // prettier-ignore
  });
});
