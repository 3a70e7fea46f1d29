/* oxlint-disable unicorn/no-array-fill-with-reference-type -- Order.fill is not Array.fill */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { defaultAlgorithm, openOrder, type OrderAlgorithm } from '../../dist/order/order.js';
import { announceSeed, runs } from '../scale.js';
import { indicesAt, open, whole } from './read-order.js';

const seed = announceSeed('order/order');
const algorithms = ['sequential', 'numpy', 'permutation'] as const;

describe('fill', () => {
  test.each(algorithms)(
    '%s: positions at a stride are those read one by one, and nothing else is written',
    (algorithm) => {
      const length = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 65_530, max: 70_000 }));
      const share = fc.record({
        n: length,
        start: fc.nat({ max: 3000 }),
        stride: fc.integer({ min: 1, max: 50 }),
        want: fc.nat({ max: 100 }),
        offset: fc.nat({ max: 5 }),
      });
      fc.assert(
        fc.property(share, fc.boolean(), ({ n, start, stride, want, offset }, wide) => {
          const order = open(algorithm, n, 7, 1);
          const count = Math.min(want, Math.max(0, Math.ceil((n - start) / stride)));
          const out = new (wide ? Float64Array : Uint32Array)(offset + count + 2).fill(4_000_000_000);
          order.fill(out, offset, count, start, stride);
          const positions = Array.from({ length: count }, (_, k) => start + k * stride);
          const untouched = 4_000_000_000;
          expect([...out]).toEqual([
            ...Array.from({ length: offset }, () => untouched),
            ...indicesAt(order, positions),
            untouched,
            untouched,
          ]);
        }),
        { seed, numRuns: runs(2000) },
      );
    },
  );

  test.each(algorithms)('%s: refuses what lies outside the order or the array', (algorithm) => {
    const order = open(algorithm, 70_000, 7, 1);
    const out = new Uint32Array(4);
    const refused = [
      [0, 1, 70_000, 1], [0, 2, 69_999, 1], [0, 4, 0, 30_000], [0, 2, 1, Number.MAX_SAFE_INTEGER],
      [0, 5, 0, 1], [1, 4, 0, 1], [5, 0, 0, 1], [-1, 1, 0, 1], [0, -1, 0, 1], [0, 1, -1, 1], [0, 1, 0, 0], [0, 1, 0.5, 1], [0, 1, NaN, 1],
    ] as const; // prettier-ignore
    for (const [offset, count, start, stride] of refused) {
      expect(() => order.fill(out, offset, count, start, stride)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    }
    expect([...out]).toEqual([0, 0, 0, 0]);
    order.fill(out, 4, 0, 70_000, 1);
  });

  test('indices above 2^32 need a Float64Array', () => {
    expect(() => open('permutation', 2 ** 32 + 1, 7, 1).fill(new Uint32Array(1), 0, 1, 0, 1)).toThrow(/Float64Array/);
    open('permutation', 2 ** 32, 7, 1).fill(new Uint32Array(1), 0, 1, 2 ** 32 - 1, 1);
  });
});

describe('openOrder', () => {
  test('an empty order and an order of one record', () => {
    for (const algorithm of algorithms) {
      expect([...whole(open(algorithm, 0, 7, 1))]).toEqual([]);
      expect([...whole(open(algorithm, 1, 7, 1))]).toEqual([0]);
    }
  });

  test('without reshuffle every epoch is as epoch 0, whatever its number', () => {
    for (const algorithm of algorithms) {
      const kept = openOrder({ algorithm, seed: 5, reshuffle: false }, 100, 2 ** 52);
      expect([...whole(kept)]).toEqual([...whole(open(algorithm, 100, 5, 0))]);
    }
  });

  test('a sequential order needs no seed', () => {
    expect(indicesAt(open('sequential', Number.MAX_SAFE_INTEGER, null, 2 ** 52), [0, 2 ** 53 - 2])).toEqual([
      0,
      2 ** 53 - 2,
    ]);
  });

  test('opens 2^40 and 2^53 − 1 records in constant memory', () => {
    const before = process.memoryUsage();
    for (const n of [2 ** 40, 2 ** 53 - 1]) {
      for (let epoch = 0; epoch < 100; epoch++) indicesAt(open('permutation', n, 7, epoch), [0, n - 1]);
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers + after.heapUsed - before.heapUsed).toBeLessThan(2 ** 24);
  });

  test.each<[OrderAlgorithm, number, number | null, number, RegExp]>([
    ['numpy', 10, null, 0, /needs a seed/],
    ['permutation', 10, null, 0, /needs a seed/],
    ['numpy', 10, -1, 0, /seed .* 0\.\.4503599627370496/],
    ['numpy', 10, 0.5, 0, /seed/],
    ['numpy', 10, 2 ** 52 + 1, 0, /seed/],
    ['permutation', 10, 2 ** 52 + 1, 0, /seed/],
    ['numpy', 10, 0, 2 ** 52 + 1, /epoch/],
    ['permutation', 10, 0, 2 ** 32, /epoch .* 0\.\.4294967295/],
    ['sequential', 10, null, -1, /epoch/],
    ['sequential', 2 ** 53, null, 0, /length/],
    ['permutation', -1, 0, 0, /length/],
    ['permutation', 1.5, 0, 0, /length/],
    ['numpy', 2 ** 31 + 1, 0, 0, /use the algorithm 'permutation'/],
    ['blocks' as OrderAlgorithm, 10, 0, 0, /algorithm must be/],
    ['parts', 10, 0, 0, /layout/],
  ])('refuses (%s, length %d, seed %d, epoch %d)', (algorithm, length, s, epoch, message) => {
    const attempt = () => open(algorithm, length, s, epoch);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

test("the default is 'numpy' up to 2^24 records and 'permutation' above", () => {
  expect([0, 2 ** 24, 2 ** 24 + 1].map(defaultAlgorithm)).toEqual(['numpy', 'numpy', 'permutation']);
});
