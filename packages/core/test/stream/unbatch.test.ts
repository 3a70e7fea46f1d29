import { describe, expect, test } from '@jest/globals';
import { fromColumns, type Stream } from '@dataref/core';
import { gather, iterate, through } from './gather.js';

const range = (length: number) => fromColumns(Int32Array.from({ length }, (_, i) => i));
const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe('a state of unbatch', () => {
  const LENGTH = 13;
  const WORLDS = [1, 2, 3];
  const make = (size: number, shardRank: number, numShards: number): Stream =>
    range(LENGTH).stream({ shardRank, numShards }).batch(size).unbatch() as Stream;
  const lives = WORLDS.flatMap((before) => WORLDS.map((after) => [before, after] as const));

  test.each(lives)('of %i ranks goes on on %i with batches of any size, each record once', async (before, after) => {
    for (const size of [1, 2, 3, 5, 6]) {
      for (let steps = 1; steps * before < LENGTH; steps++) {
        const stream = make(size, before - 1, before);
        await gather(stream, steps);
        const state = through(stream.state);
        for (const next of [1, 2, 3, 4, 7]) {
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
