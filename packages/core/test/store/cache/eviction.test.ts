import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseVictims, type Candidate } from '../../../dist/store/cache/eviction.js';
import { announceSeed, runs } from '../../scale.js';

const seed = announceSeed('store/cache/eviction');

function candidate(id: string, byteLength: number, rank: number, usedMs = 0, isBound = false): Candidate {
  return { id, byteLength, rank, usedMs, isBound };
}

test('what is in no forecast goes first, used longest ago first; then what is needed last', () => {
  const held = [
    candidate('soon', 10, 1),
    candidate('late', 10, 9),
    candidate('old', 10, Infinity, 5),
    candidate('older', 10, Infinity, 3),
  ];
  const choose = (bytes: number, rank: number, displacesNamed = true) =>
    chooseVictims(held, bytes, { rank, displacesNamed })?.map(({ id }) => id);
  expect(choose(5, 4)).toEqual(['older']);
  expect(choose(15, 4)?.toSorted()).toEqual(['old', 'older']);
  expect(choose(25, 4)?.toSorted()).toEqual(['late', 'old', 'older']);
  expect(choose(35, 4)).toBeUndefined();
  expect(choose(35, 0)).toHaveLength(4);
  expect(choose(25, 9)).toBeUndefined();
  expect(choose(25, 4, false)).toBeUndefined();
  expect(choose(20, Infinity)).toHaveLength(2);
});

test('what must stay stays, and nothing goes that need not', () => {
  const held = [candidate('bound', 50, Infinity, 0, true), candidate('small', 1, 9), candidate('large', 50, 8)];
  expect(chooseVictims(held, 40, { rank: 0, displacesNamed: true })).toEqual([held[2]]);
  expect(chooseVictims(held, 60, { rank: 0, displacesNamed: true })).toBeUndefined();
  expect(chooseVictims(held, 60, undefined)).toHaveLength(2);
});

test('room is made by no more than is enough, and never by what is needed sooner', () => {
  const held = fc.array(
    fc.record({
      id: fc.uuid(),
      byteLength: fc.integer({ min: 1, max: 20 }),
      rank: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(Infinity)),
      usedMs: fc.integer({ min: 0, max: 9 }),
      isBound: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(held, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 30 }), (copies, bytes, rank) => {
      const mayGo = copies.filter((copy) => !copy.isBound && copy.rank > rank);
      const sum = (of: readonly Candidate[]): number => of.reduce((total, { byteLength }) => total + byteLength, 0);
      const victims = chooseVictims(copies, bytes, { rank, displacesNamed: true });
      if (victims === undefined) return sum(mayGo) < bytes;
      return (
        victims.every((victim) => mayGo.includes(victim)) &&
        sum(victims) >= bytes &&
        victims.every(({ byteLength }) => sum(victims) - byteLength < bytes)
      );
    }),
    { seed, numRuns: runs(20_000) },
  );
});
