import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { MersenneTwister } from '../../dist/order/mersenne-twister.js';
import { indicesAt, open, whole } from './read-order.js';

interface Case {
  readonly n: number;
  readonly seed: number;
  readonly epoch: number;
  readonly order?: number[];
  readonly first?: number[];
  readonly last?: number[];
  readonly sha256?: string;
  readonly step?: number;
  readonly steps?: number[];
}
interface Golden {
  readonly numpy?: string;
  readonly cases: Case[];
}

const numpy = readJson('golden/numpy.json');
const permutation = readJson('golden/permutation.json');

describe(`the numpy order is numpy ${numpy.numpy}'s own`, () => {
  test('the golden file holds what it should', () => {
    expect(numpy.cases.length).toBeGreaterThanOrEqual(300);
    for (const n of [1, 2, 65_535, 65_536, 65_537, 1_000_000]) expect(numpy.cases.some((c) => c.n === n)).toBe(true);
    const sums = numpy.cases.map((c) => c.seed + c.epoch);
    expect(sums).toEqual(expect.arrayContaining([0, 2 ** 32 - 1, 2 ** 32, 2 ** 52]));
  });
  test.each(byLength(numpy.cases))('n = %d', (_n, cases) => {
    for (const c of cases) expect(observed('numpy', c)).toEqual(c);
  });
});

describe('the permutation order is what a second implementation makes of its documentation', () => {
  test.each(byLength(permutation.cases))('n = %d', (_n, cases) => {
    for (const c of cases) expect(observed('permutation', c)).toEqual(c);
  });
});

test('every vector printed in docs/orders.md is right', () => {
  const sections = readFileSync(new URL('../../../../docs/orders.md', import.meta.url), 'utf8').split(/^## /m);
  for (const algorithm of ['numpy', 'permutation'] as const) {
    const text = sections.find((section) => section.startsWith(`${algorithm}\n`)) ?? '';
    const rows = [...text.matchAll(/^\| (\d+) +\| (\d+) +\| (\d+) +\| ([\d, ]+?)( …)? +\|$/gm)];
    expect(rows.length).toBeGreaterThanOrEqual(6);
    for (const [row, n, seed, epoch, list] of rows) {
      const printed = list!.split(', ').map(Number);
      const order = open(algorithm, Number(n), Number(seed), Number(epoch));
      expect([row, indicesAt(order, [...printed.keys()])]).toEqual([row, printed]);
    }
  }
});

test('MT19937 is seeded and draws as its authors publish', () => {
  expect([...MersenneTwister.fromSeed(5489).take(3)]).toEqual([3499211612, 581869302, 3890346734]);
  expect(MersenneTwister.fromSeed(5489).take(10_000)[9_999]).toBe(4123659995);
  const key = [0x123, 0x234, 0x345, 0x456];
  expect([...MersenneTwister.fromKey(key).take(3)]).toEqual([1067595299, 955945823, 477289528]);
  const twister = MersenneTwister.fromKey(key);
  const pieces = [...twister.take(1), ...twister.take(700), ...twister.take(299)];
  expect(pieces).toEqual([...MersenneTwister.fromKey(key).take(1000)]);
});

/** The case with what was read in place of what was written. */
function observed(algorithm: 'numpy' | 'permutation', c: Case): Case {
  const order = open(algorithm, c.n, c.seed, c.epoch);
  const { n, seed, epoch } = c;
  return {
    n,
    seed,
    epoch,
    ...(c.order && { order: [...whole(order)] }),
    ...(c.first && { first: indicesAt(order, [0, 1, 2, 3]) }),
    ...(c.last && { last: indicesAt(order, [n - 4, n - 3, n - 2, n - 1]) }),
    ...(c.step && {
      step: c.step,
      steps: indicesAt(
        order,
        [...c.steps!.keys()].map((k) => k * c.step!),
      ),
    }),
    ...(c.sha256 && { sha256: sha256LittleEndian(whole(order)) }),
  };
}

function sha256LittleEndian(indices: Uint32Array): string {
  const view = new DataView(new ArrayBuffer(indices.byteLength));
  indices.forEach((index, k) => view.setUint32(4 * k, index, true));
  return createHash('sha256').update(view).digest('hex');
}

function byLength(cases: readonly Case[]): [number, Case[]][] {
  const lengths = [...new Set(cases.map((c) => c.n))];
  return lengths.map((n) => [n, cases.filter((c) => c.n === n)]);
}

function readJson(path: string): Golden {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Golden;
}
