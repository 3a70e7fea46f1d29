/* oxlint-disable unicorn/no-array-fill-with-reference-type -- Order.fill is not Array.fill */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { MersenneTwister } from '../../dist/order/mersenne-twister.js';
import { FeistelOrder } from '../../dist/order/permutation.js';
import type { Order } from '../../dist/order/order.js';
import { announceSeed, runs } from '../scale.js';
import { open, whole } from './read-order.js';

const seed = announceSeed('order/bijection');
const anySeed = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52), fc.integer({ min: 0, max: 2 ** 52 }));
const anyEpoch = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const shortLength = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5000 }));

describe('an order takes each index exactly once', () => {
  test.each(['numpy', 'permutation'] as const)('%s, short', (algorithm) => {
    fc.assert(
      fc.property(shortLength, anySeed, anyEpoch, (n, s, e) => expectBijection(open(algorithm, n, s, e))),
      { seed, numRuns: runs(20_000) },
    );
  });

  test('the Feistel network, at lengths far below its threshold', () => {
    const lengths = fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 5000 }));
    fc.assert(
      fc.property(lengths, anySeed, (n, s) => {
        const twister = MersenneTwister.fromKey([s % 2 ** 32, Math.floor(s / 2 ** 32)]);
        expectBijection(new FeistelOrder(n, twister));
      }),
      { seed, numRuns: runs(20_000) },
    );
  });

  test.each(['numpy', 'permutation'] as const)('%s, long', (algorithm) => {
    const lengths = fc.oneof(fc.constantFrom(65_535, 65_536, 65_537), fc.integer({ min: 65_536, max: 400_000 }));
    fc.assert(
      fc.property(lengths, anySeed, anyEpoch, (n, s, e) => expectBijection(open(algorithm, n, s, e))),
      { seed, numRuns: runs(300) },
    );
  });

  test('permutation, up to 2^53 − 1 records: distinct positions have distinct indices, all in range', () => {
    const exponent = fc.integer({ min: 16, max: 52 });
    const length = exponent.chain((k) => fc.integer({ min: 2 ** k, max: 2 ** (k + 1) - 1 }));
    const edge = exponent.chain((k) => fc.constantFrom(2 ** k, 2 ** k + 1, 2 ** (k + 1) - 1));
    fc.assert(
      fc.property(fc.oneof(length, edge), anySeed, anyEpoch, fc.nat({ max: 10_000 }), (n, s, e, t) => {
        const order = open('permutation', n, s, e);
        const count = 512;
        const start = Math.floor((n - count) * (t / 10_000));
        const indices = new Float64Array(count);
        order.fill(indices, 0, count, start, 1);
        expect(new Set(indices).size).toBe(count);
        expect(indices.every((index) => Number.isSafeInteger(index) && index >= 0 && index < n)).toBe(true);
      }),
      { seed, numRuns: runs(20_000) },
    );
  });
});

function expectBijection(order: Order): void {
  const sorted = whole(order).sort();
  const wrong = sorted.findIndex((index, k) => index !== k);
  expect({ n: order.length, wrong }).toEqual({ n: order.length, wrong: -1 });
}
