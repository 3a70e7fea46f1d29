import { checkFill } from './checks.js';
import { MersenneTwister } from './mersenne-twister.js';
import { ShuffledOrder } from './numpy-shuffle.js';
import type { Order } from './order.js';

// Read once, since inside a vm context (jest's, say) each use of a global is a slow look-up.
const { floor, imul } = Math;

/** Permutation orders shorter than this are shuffled in memory. */
export const MIN_FEISTEL_LENGTH = 65536;

const ROUNDS = 8;

/**
 * A permutation of 0..length−1 computed index by index in constant memory: a keyed Feistel network over the least 2^bits ≥ length, with cycle walking.
 * @see Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002); the round function is MurmurHash3's finalizer, keyed twice
 */
export class FeistelOrder implements Order {
  readonly length: number;
  /** 2 a round. */
  readonly #keys: Int32Array;
  /** 2^(bits of the right half), at most 2^27. */
  readonly #split: number;
  readonly #leftMask: number;
  readonly #rightMask: number;

  /**
   * @param length records, 2..2^53−1
   * @param twister the source of the 16 round keys
   */
  constructor(length: number, twister: MersenneTwister) {
    this.length = length;
    let bits = 2;
    while (2 ** bits < length) bits++;
    const leftBits = floor(bits / 2);
    this.#split = 2 ** (bits - leftBits);
    this.#leftMask = 2 ** leftBits - 1;
    this.#rightMask = this.#split - 1;
    this.#keys = Int32Array.from(twister.take(2 * ROUNDS));
  }

  fill(out: Uint32Array | Float64Array, offset: number, count: number, start: number, stride: number): void {
    checkFill(this.length, out, offset, count, start, stride);
    const keys = this.#keys;
    const length = this.length;
    const split = this.#split;
    const leftMask = this.#leftMask;
    const rightMask = this.#rightMask;
    for (let k = 0, position = start; k < count; k++, position += stride) {
      let value = position;
      do {
        // Powers of two divide and multiply without rounding, so all 53 bits are exact.
        let left = floor(value / split);
        let right = value - left * split;
        left |= 0;
        right |= 0;
        for (let r = 0; r < 2 * ROUNDS; r += 4) {
          left ^= mix(right, keys[r]!, keys[r + 1]!) & leftMask;
          right ^= mix(left, keys[r + 2]!, keys[r + 3]!) & rightMask;
        }
        value = left * split + right;
      } while (value >= length);
      out[offset + k] = value;
    }
  }
}

/**
 * The permutation order of an epoch; one below 65,536 records is not shuffled yet.
 * @param length records, 0..2^53−1
 * @param seed an integer 0..2^52
 * @param epoch an integer 0..2^32−1
 * @param tweak words of a key of its own, for one of several permutations of the same seed and epoch
 */
export function startPermutation(
  length: number,
  seed: number,
  epoch: number,
  ...tweak: readonly number[]
): ShuffledOrder | FeistelOrder {
  const twister = MersenneTwister.fromKey([seed % 2 ** 32, floor(seed / 2 ** 32), epoch, ...tweak]);
  return length < MIN_FEISTEL_LENGTH ? new ShuffledOrder(length, twister) : new FeistelOrder(length, twister);
}

function mix(half: number, key: number, innerKey: number): number {
  let h = half ^ key;
  h = imul(h ^ (h >>> 16), 0x85ebca6b) ^ innerKey;
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
