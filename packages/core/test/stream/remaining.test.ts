import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { collapsed, layersFrom, leftIn, type Layer } from '../../dist/stream/remaining.js';
import { announceSeed, runs } from '../scale.js';

const seed = announceSeed('stream/remaining');

/** The positions of an epoch that are left, by leaving them out one by one. */
function naive(layers: readonly Layer[], length: number, epoch: number): number[] {
  let left = Array.from({ length }, (_, i) => i);
  for (const layer of layers) {
    left = left.filter((_, i) => {
      const [reached, records] = layer[i % layer.length]!;
      return reached < epoch || (reached === epoch && Math.floor(i / layer.length) >= records);
    });
  }
  return left;
}

const EPOCHS = 4;
const anyLayer = fc.array(fc.tuple(fc.nat({ max: EPOCHS - 2 }), fc.nat({ max: 12 })), { minLength: 1, maxLength: 6 });
/** Ranks that are in step, or nearly so, which is what training makes. */
const anyEvenLayer = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: EPOCHS - 2 }), fc.nat({ max: 5 }), fc.nat({ max: 5 }))
  .map(([shards, epoch, records, ahead]): Layer =>
    Array.from({ length: shards }, (_, rank) => [epoch, records + (rank < ahead ? 1 : 0)] as const),
  );
const anyLayers = fc.array(fc.oneof(anyLayer, anyEvenLayer), { maxLength: 4 });
const anyLength = fc.nat({ max: 70 });
const epochs = Array.from({ length: EPOCHS }, (_, epoch) => epoch);

describe('what is left of an epoch', () => {
  test('is what leaving out the done ones, one by one, leaves', () => {
    let irregular = 0;
    fc.assert(
      fc.property(anyLayers, anyLength, (layers, length) => {
        for (const epoch of epochs) {
          const expected = naive(layers, length, epoch);
          const left = leftIn(layers, length, epoch);
          expect(left.length).toBe(expected.length);
          expect(expected.map((_, k) => left.at(k))).toEqual(expected);
          if (left.regularFrom > 0) irregular++;
          const isRegular = expected.every((position, k) => k < left.regularFrom || position === k + left.shift);
          expect(isRegular).toBe(true);
        }
      }),
      { seed, numRuns: runs(5000) },
    );
    expect(irregular).toBeGreaterThan(runs(5000) / 100);
  });

  test('is found in any order of asking', () => {
    fc.assert(
      fc.property(anyLayers, anyLength, fc.array(fc.nat({ max: 69 })), (layers, length, asked) => {
        const expected = naive(layers, length, 1);
        const left = leftIn(layers, length, 1);
        for (const k of asked.filter((place) => place < expected.length)) expect(left.at(k)).toBe(expected[k]);
      }),
      { seed, numRuns: runs(2000) },
    );
  });

  test('costs no list of positions', () => {
    const length = 2 ** 50;
    const layer: Layer = Array.from({ length: 1000 }, (_, rank) => [0, 2 ** 40 - ((rank * 7) % 1000)] as const);
    const left = leftIn([layer, [[0, 5], [0, 2 ** 38]]], length, 0); // prettier-ignore
    const at = [0, 1, 1000, left.length - 1].map((k) => left.at(k));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at.at(-1)).toBe(length - 1);
  });
});

describe('fewer layers', () => {
  test('leave the same from an epoch on', () => {
    let shorter = 0;
    fc.assert(
      fc.property(anyLayers, anyLength, fc.nat({ max: EPOCHS - 1 }), (layers, length, from) => {
        const few = collapsed(layers, length, from);
        if (few.length < layersFrom(layers, from).length) shorter++;
        for (const epoch of epochs.slice(from)) expect(naive(few, length, epoch)).toEqual(naive(layers, length, epoch));
        const needed = layersFrom(layers, from);
        for (const epoch of epochs.slice(from))
          expect(naive(needed, length, epoch)).toEqual(naive(layers, length, epoch));
      }),
      { seed, numRuns: runs(5000) },
    );
    expect(shorter).toBeGreaterThan(runs(5000) / 100);
  });

  test('are one of a world of one where ranks were in step, and none at the end of an epoch', () => {
    const inStep: Layer = [[2, 4], [2, 4], [2, 4]]; // prettier-ignore
    expect(collapsed([inStep], 100, 2)).toEqual([[[2, 12]]]);
    expect(collapsed([inStep, [[2, 5], [2, 4]]], 100, 2)).toEqual([[[2, 21]]]); // prettier-ignore
    expect(collapsed([inStep, [[3, 0], [3, 0]]], 100, 3)).toEqual([]); // prettier-ignore
  });

  test('stay few over any number of restarts that get past where the ranks were out of step', () => {
    let layers: readonly Layer[] = [];
    for (let restart = 0; restart < 50; restart++) {
      const shards = 2 + (restart % 3);
      const layer = Array.from({ length: shards }, (_, rank) => [0, 20 + ((rank * 5 + restart) % 7)] as const);
      layers = collapsed([...layers, layer], 10_000, 0);
      expect(layers.length).toBeLessThanOrEqual(2);
    }
    expect(leftIn(layers, 10_000, 0).length).toBeLessThan(8000);
  });
});
