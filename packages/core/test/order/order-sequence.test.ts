import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { OrderSequence } from '../../dist/order/order-sequence.js';
import { openOrder, type OrderSpec } from '../../dist/order/order.js';
import { announceSeed, runs } from '../scale.js';
import { open, whole } from './read-order.js';

const seed = announceSeed('order/order-sequence');
const anySpec: fc.Arbitrary<OrderSpec> = fc.record({
  algorithm: fc.constantFrom('sequential', 'numpy', 'permutation'),
  seed: fc.integer({ min: 0, max: 2 ** 52 }),
  reshuffle: fc.boolean(),
});

describe('an order sequence', () => {
  test('gives the orders that openOrder gives, however the next ones were prepared and whichever are asked for', () => {
    const slices = fc.array(fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 3000 })), { maxLength: 20 });
    const visits = fc.array(fc.record({ epoch: fc.option(fc.nat({ max: 5 })), slices }), {
      minLength: 1,
      maxLength: 6,
    });
    const length = fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 4000 }), fc.constantFrom(65_536, 70_000));
    fc.assert(
      fc.property(anySpec, length, visits, (spec, n, path) => {
        const sequence = new OrderSequence(spec, n);
        let epoch = -1;
        for (const visit of path) {
          for (const steps of visit.slices) sequence.prepareNext(steps);
          epoch = visit.epoch ?? epoch + 1;
          const read = whole(sequence.at(epoch));
          expect(Buffer.compare(bytes(read), bytes(whole(openOrder(spec, n, epoch))))).toBe(0);
        }
      }),
      { seed, numRuns: runs(1000) },
    );
  });

  test('two sequences prepared in turns do not disturb each other', () => {
    const sequences = [1, 2].map((s) => new OrderSequence({ algorithm: 'numpy', seed: s, reshuffle: true }, 5000));
    for (let done = 0; done < 2;) done = sequences.filter((sequence) => sequence.prepareNext(97)).length;
    sequences.forEach((sequence, k) => expect(whole(sequence.at(0))).toEqual(whole(open('numpy', 5000, k + 1, 0))));
  });

  test('2 · length steps complete the next epoch, and fewer than length do not', () => {
    for (const algorithm of ['numpy', 'permutation'] as const) {
      const sequence = new OrderSequence({ algorithm, seed: 3, reshuffle: true }, 1000);
      sequence.at(4);
      expect(sequence.prepareNext(999)).toBe(false);
      expect(sequence.prepareNext(1001)).toBe(true);
      expect(sequence.prepareNext(0)).toBe(true);
    }
  });

  test('an order handed out stays what it was while others are prepared', () => {
    const sequence = new OrderSequence({ algorithm: 'numpy', seed: 3, reshuffle: true }, 1000);
    const first = sequence.at(0);
    const copy = whole(first);
    sequence.prepareNext(Infinity);
    sequence.at(1);
    sequence.prepareNext(500);
    expect(whole(first)).toEqual(copy);
  });

  test('keeps one order object where nothing changes, and has nothing to prepare', () => {
    const sequence = new OrderSequence({ algorithm: 'numpy', seed: 3, reshuffle: false }, 1000);
    const first = sequence.at(0);
    expect(sequence.prepareNext(0)).toBe(true);
    expect(sequence.at(7)).toBe(first);
  });

  test('has nothing to prepare after the last epoch', () => {
    const sequence = new OrderSequence({ algorithm: 'permutation', seed: 3, reshuffle: true }, 10);
    sequence.at(2 ** 32 - 1);
    expect(sequence.prepareNext(1)).toBe(true);
    expect(() => sequence.at(2 ** 32)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('refuses a bad spec when it is made, and bad steps', () => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => new OrderSequence({ algorithm: 'numpy', seed: null, reshuffle: true }, 10)).toThrow(refused);
    const sequence = new OrderSequence({ algorithm: 'numpy', seed: 1, reshuffle: true }, 10);
    for (const steps of [-1, 0.5, NaN]) expect(() => sequence.prepareNext(steps)).toThrow(refused);
  });
});

function bytes(indices: Uint32Array): Uint8Array {
  return new Uint8Array(indices.buffer);
}
