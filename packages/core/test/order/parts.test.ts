/* oxlint-disable unicorn/no-array-fill-with-reference-type -- Order.fill is not Array.fill */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { openOrder, type Order } from '../../dist/order/order.js';
import { OrderSequence } from '../../dist/order/order-sequence.js';
import { layoutHash } from '../../dist/order/parts-shuffle.js';
import { announceSeed, runs } from '../scale.js';
import { indicesAt, whole } from './read-order.js';

jest.setTimeout(600_000);
const seed = announceSeed('order/parts');

interface Case {
  readonly parts: number[] | { readonly count: number; readonly records: number };
  readonly window: number;
  readonly seed: number;
  readonly epoch: number;
  readonly layout: string;
  readonly order?: number[];
  readonly sha256?: string;
  readonly step?: number;
  readonly steps?: number[];
}

function openParts(partRecords: readonly number[], window: number, s: number, epoch: number): Order {
  const length = partRecords.reduce((sum, records) => sum + records, 0);
  return openOrder({ algorithm: 'parts', seed: s, reshuffle: true, layout: { partRecords, window } }, length, epoch);
}

describe('the parts order is what a second implementation makes of its documentation', () => {
  const { cases } = JSON.parse(readFileSync(new URL('golden/parts.json', import.meta.url), 'utf8')) as {
    readonly cases: Case[];
  };

  test('the golden file holds what it should', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    expect(cases.filter((c) => c.sha256 !== undefined).length).toBeGreaterThanOrEqual(40);
    expect(cases.filter((c) => c.step !== undefined).length).toBeGreaterThanOrEqual(16);
  });

  test.each(cases.map((c) => [JSON.stringify(c.parts), c.window, c.seed, c.epoch, c] as const))(
    'parts of %s, windows of %d, seed %d, epoch %d',
    (_parts, window, s, epoch, c) => {
      const partRecords = Array.isArray(c.parts)
        ? c.parts
        : Array.from({ length: c.parts.count }, () => (c.parts as { records: number }).records);
      const order = openParts(partRecords, window, s, epoch);
      expect(layoutHash(partRecords)).toBe(c.layout);
      if (c.order !== undefined) expect([...whole(order)]).toEqual(c.order);
      if (c.sha256 !== undefined) expect(sha256LittleEndian(whole(order))).toBe(c.sha256);
      if (c.step !== undefined) {
        const { step, steps } = c as Required<Case>;
        expect(
          indicesAt(
            order,
            steps.map((_, k) => k * step),
          ),
        ).toEqual(steps);
      }
    },
  );
});

test('every vector of the parts order in docs/orders.md is right', () => {
  const page = readFileSync(new URL('../../../../docs/orders.md', import.meta.url), 'utf8');
  const text = page.split(/^## /m).find((section) => section.startsWith('parts\n')) ?? '';
  const rows = [...text.matchAll(/^\| ([\d, ]+?) +\| (\d+) +\| (\d+) +\| (\d+) +\| ([\d, ]+?) +\| `(\w+)` +\|$/gm)];
  expect(rows.length).toBeGreaterThanOrEqual(6);
  for (const [row, parts, window, s, epoch, list, layout] of rows) {
    const partRecords = parts!.split(', ').map(Number);
    const order = openParts(partRecords, Number(window), Number(s), Number(epoch));
    expect([row, [...whole(order)].join(', '), layoutHash(partRecords)]).toEqual([row, list, layout]);
  }
});

const anySeed = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52), fc.integer({ min: 0, max: 2 ** 52 }));
const anyEpoch = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const anyLayout = fc.array(fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 50 })), { maxLength: 40 });
const anyWindow = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 50 }));

describe('for any layout, window, seed and epoch', () => {
  test('each index comes once, and each part in one window of consecutive parts, as many as the window says', () => {
    fc.assert(
      fc.property(anyLayout, anyWindow, anySeed, anyEpoch, (partRecords, window, s, epoch) => {
        const indices = whole(openParts(partRecords, window, s, epoch));
        expect([...indices].toSorted((a, b) => a - b)).toEqual([...indices.keys()]);
        const filled = partRecords.filter((records) => records > 0).length;
        const windows = windowsOf(indices, partRecords, window);
        expect(windows.flat().length).toBe(filled);
        expect(new Set(windows.flat()).size).toBe(filled);
      }),
      { seed, numRuns: runs(4000) },
    );
  });

  test('positions at a stride, from anywhere, in any order of asking, are those of the whole', () => {
    fc.assert(
      fc.property(
        anyLayout,
        anyWindow,
        anySeed,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 20 }), fc.nat({ max: 60 })), { maxLength: 8 }),
        (partRecords, window, s, reads) => {
          const all = whole(openParts(partRecords, window, s, 3));
          const order = openParts(partRecords, window, s, 3);
          for (const [from, stride, wanted] of reads) {
            const start = from % (all.length + 1);
            const count = Math.min(wanted, Math.ceil((all.length - start) / stride));
            const out = new Uint32Array(count + 2).fill(7);
            order.fill(out, 1, count, start, stride);
            const expected = Array.from({ length: count }, (_, k) => all[start + k * stride]);
            expect([...out]).toEqual([7, ...expected, 7]);
          }
        },
      ),
      { seed, numRuns: runs(1000) },
    );
  });

  test('rangesFrom tells the parts of the position’s window, then each later one, once', () => {
    fc.assert(
      fc.property(anyLayout, anyWindow, anySeed, fc.nat(), (partRecords, window, s, from) => {
        const order = openParts(partRecords, window, s, 0) as Order & {
          rangesFrom(position: number): Iterable<{ readonly start: number; readonly end: number }>;
        };
        const indices = whole(order);
        const position = from % (indices.length + 1);
        const ranges = [...order.rangesFrom(position)];
        const rest = new Set(indices.subarray(position));
        for (const index of rest) expect(ranges.some(({ start, end }) => index >= start && index < end)).toBe(true);
        // Nothing but what is read from here on, or lies in the window that is being read.
        const unneeded = ranges.slice(window).filter(({ start }) => !rest.has(start));
        expect(unneeded).toEqual([]);
        expect(new Set(ranges.map(({ start }) => start)).size).toBe(ranges.length);
      }),
      { seed, numRuns: runs(1000) },
    );
  });
});

test('a window of all parts, and one part, are shuffles of everything', () => {
  // The documented test of uniformity for the whole is uniformity.test.ts; here every place of four records is met.
  const seen = new Map<string, number>();
  for (let s = 0; s < runs(24_000); s++) {
    const key = [...whole(openParts([1, 2, 1], 16, s, 0))].join();
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  expect(seen.size).toBe(24);
  const expected = runs(24_000) / 24;
  const chiSquared = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquared).toBeLessThan(60); // 23 degrees of freedom: above it by chance once in 30,000 times
});

test('opens 100,000 parts anywhere in memory of a few numbers a part', () => {
  const partRecords = Array.from({ length: 100_000 }, (_, i) => 1000 + (i % 7));
  const order = openParts(partRecords, 16, 7, 3);
  const places = [0, order.length - 1, Math.floor(order.length / 2)];
  const indices = indicesAt(order, places);
  expect(indicesAt(openParts(partRecords, 16, 7, 3), places.toReversed())).toEqual(indices.toReversed());
});

test('an order sequence gives each epoch its own, and the same one without reshuffle', () => {
  const layout = { partRecords: [5, 0, 6, 7, 1], window: 2 };
  const sequence = new OrderSequence({ algorithm: 'parts', seed: 9, reshuffle: true, layout }, 19);
  for (const epoch of [0, 1, 5, 0]) {
    expect([...whole(sequence.at(epoch))]).toEqual([...whole(openParts(layout.partRecords, 2, 9, epoch))]);
    expect(sequence.prepareNext(10)).toBe(true);
  }
  const kept = new OrderSequence({ algorithm: 'parts', seed: 9, reshuffle: false, layout }, 19);
  expect([...whole(kept.at(2 ** 40))]).toEqual([...whole(openParts(layout.partRecords, 2, 9, 0))]);
});

test('layouts are told apart, however empty parts lie among the others', () => {
  expect(layoutHash([3, 0, 4])).toBe(layoutHash([0, 3, 4, 0]));
  expect(new Set([[3, 4], [4, 3], [7], [34], [3, 4, 1], []].map(layoutHash)).size).toBe(6);
});

test.each([
  [undefined, 10, /layout/],
  [{ partRecords: [4, 5], window: 2 }, 10, /9 records together, expected 10/],
  [{ partRecords: [10], window: 0 }, 10, /window/],
  [{ partRecords: [10], window: 1.5 }, 10, /window/],
  [{ partRecords: [12, -2], window: 1 }, 10, /records of a part/],
])('refuses %j for %d records', (layout, length, message) => {
  const attempt = () => openOrder({ algorithm: 'parts', seed: 1, reshuffle: true, layout }, length, 0);
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

/** Numbers of the parts that lie in each window, as the indices themselves show. */
function windowsOf(indices: Uint32Array, partRecords: readonly number[], window: number): number[][] {
  const partOf = partRecords.flatMap((records, part) => Array.from({ length: records }, () => part));
  const windows: number[][] = [];
  let at = 0;
  while (at < indices.length) {
    // A window ends where all records of its parts have come, and is the first to have `window` parts or the last.
    const parts = new Set<number>();
    let records = 0;
    let end = at;
    do {
      const part = partOf[indices[end] as number] as number;
      if (!parts.has(part)) records += partRecords[part] as number;
      parts.add(part);
      end++;
    } while (end - at < records || (parts.size < window && end < indices.length));
    expect(end - at).toBe(records);
    expect(parts.size).toBeLessThanOrEqual(window);
    if (end < indices.length) expect(parts.size).toBe(window);
    windows.push([...parts]);
    at = end;
  }
  return windows;
}

function sha256LittleEndian(indices: Uint32Array): string {
  const view = new DataView(new ArrayBuffer(indices.byteLength));
  indices.forEach((index, k) => view.setUint32(4 * k, index, true));
  return createHash('sha256').update(view).digest('hex');
}
