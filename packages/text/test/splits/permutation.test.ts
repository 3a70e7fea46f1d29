import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { numpyPermutation, Pcg64 } from '../../dist/splits/pcg64.js';

interface Golden {
  readonly draws: readonly { readonly seed: number; readonly uint32: readonly number[] }[];
  readonly permutations: readonly {
    readonly seed: number;
    readonly length: number;
    readonly order?: readonly number[];
    /** Of the order as uint32, little-endian. */
    readonly sha256?: string;
  }[];
}

/** Made by numpy: `default_rng(seed).bit_generator.random_raw(4)` in halves, and `default_rng(seed).permutation(length)`. */
const golden = JSON.parse(
  readFileSync(new URL('../golden/numpy-2.4.6-permutations.json', import.meta.url), 'utf8'),
) as Golden;

test.each(golden.draws)("the draws of seed $seed are numpy's", ({ seed, uint32 }) => {
  const generator = new Pcg64(seed);
  expect(uint32.map(() => generator.next32())).toEqual(uint32);
});

test.each(golden.permutations)(
  "the permutation of $length by seed $seed is numpy's",
  ({ seed, length, order, sha256 }) => {
    const made = numpyPermutation(seed, length);
    if (order !== undefined) expect(Array.from(made)).toEqual(order);
    if (sha256 !== undefined) expect(createHash('sha256').update(made).digest('hex')).toBe(sha256);
  },
);
