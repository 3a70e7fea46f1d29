/* oxlint-disable unicorn/no-array-fill-with-reference-type -- Order.fill is not Array.fill */
import { expect, test } from '@jest/globals';
import { runs } from '../scale.js';
import { open } from './read-order.js';

// The test that docs/orders.md documents, with fixed seeds.
const trials = runs(40_000);
const short = Array.from({ length: 19 }, (_, k) => k + 2);
const lengths = [...short, 50, 257, 1000, 5000, 65_536, 65_537, 100_000, 2 ** 24 + 1, 2 ** 40, 2 ** 53 - 1];
const scores: number[] = [];

test.each(lengths)('the permutation order is uniform for n = %d', (n) => {
  const bySeed = scoresOf(n, (t) => [t, 0]);
  const byEpoch = scoresOf(n, (t) => [0, t]);
  scores.push(...bySeed, ...byEpoch);
  for (const z of [...bySeed, ...byEpoch]) expect(Math.abs(z)).toBeLessThan(4.5);
});

test('its scores are neither high nor low on the whole', () => {
  expect(scores.length).toBe(lengths.length * 8 - 2);
  const mean = scores.reduce((sum, z) => sum + z, 0) / scores.length;
  expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(scores.length));
});

/** Normal scores of first element, ordered first pair, far pair and adjacent difference (none for n = 2, where it is always 1). */
function scoresOf(n: number, seedAndEpoch: (trial: number) => [number, number]): number[] {
  const width = n <= 20 ? 1 : Math.ceil(n / 20);
  const pairWidth = n <= 20 ? 1 : Math.ceil(n / 10);
  const elementSizes = runSizes(n, width);
  const pairSizes = runSizes(n, pairWidth);
  const differenceSizes = runSizes(n - 1, width);
  const elements = new Float64Array(elementSizes.length);
  const pairs = new Float64Array(pairSizes.length ** 2);
  const farPairs = new Float64Array(pairSizes.length ** 2);
  const differences = new Float64Array(differenceSizes.length);
  let far = 1;
  while (far * 2 < n) far *= 2;
  const middle = Math.floor((n - 2) / 2);
  const pairCell = (pair: Float64Array): number =>
    Math.floor(pair[0]! / pairWidth) * pairSizes.length + Math.floor(pair[1]! / pairWidth);
  const a = new Float64Array(2);
  for (let t = 0; t < trials; t++) {
    const order = open('permutation', n, ...seedAndEpoch(t));
    order.fill(a, 0, 2, middle, 1);
    const difference = a[1]! - a[0]!;
    count(differences, (difference < 0 ? difference + n : difference) - 1, width);
    order.fill(a, 0, 2, 0, 1);
    count(elements, a[0]!, width);
    count(pairs, pairCell(a), 1);
    order.fill(a, 0, 2, 0, far);
    count(farPairs, pairCell(a), 1);
  }
  const elementShares = elementSizes.map((size) => size / n);
  const pairShares = pairSizes.flatMap((x, i) => pairSizes.map((y, j) => (x / n) * ((i === j ? y - 1 : y) / (n - 1))));
  const differenceShares = differenceSizes.map((size) => size / (n - 1));
  const scored = [score(elements, elementShares), score(pairs, pairShares), score(farPairs, pairShares)];
  return n === 2 ? scored : [...scored, score(differences, differenceShares)];
}

/** How many of the values 0..n−1 fall in each run of `width`. */
function runSizes(n: number, width: number): number[] {
  return Array.from({ length: Math.ceil(n / width) }, (_, k) => Math.min(width, n - k * width));
}

function count(cells: Float64Array, value: number, width: number): void {
  const cell = Math.floor(value / width);
  cells[cell] = cells[cell]! + 1;
}

/** χ² of the counts against their shares, as a normal score (Wilson and Hilferty); a cell of share 0 must be empty. */
function score(counts: Float64Array, shares: readonly number[]): number {
  let chiSquared = 0;
  let cells = 0;
  counts.forEach((observed, k) => {
    const expected = shares[k]! * trials;
    if (expected === 0) return expect(observed).toBe(0);
    cells++;
    chiSquared += (observed - expected) ** 2 / expected;
  });
  const spread = 2 / (9 * (cells - 1));
  return (Math.cbrt(chiSquared / (cells - 1)) - 1 + spread) / Math.sqrt(spread);
}
