import { seedWords } from './seed-sequence.js';

/** Words of 16 bits, lowest first: their products and sums are exact as doubles. */
type Words = Uint16Array;
const WORDS = 8;
/** 0x2360ed051fc65da44385df649fccf645 */
const MULTIPLIER: Words = Uint16Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360);

/**
 * numpy's `PCG64`, as `default_rng(seed)` makes it: PCG XSL RR 128/64.
 * @see O'Neill, PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number Generation, 2014
 */
export class Pcg64 {
  #state: Words = new Uint16Array(WORDS);
  #next: Words = new Uint16Array(WORDS);
  readonly #increment: Words;
  /** The upper half of the last draw, where it was not given yet. */
  #upper: number | undefined;

  /** @param seed an integer 0..2^53 − 1 */
  constructor(seed: number) {
    const words = seedWords(seed, 8);
    const [initial, stream] = [wordsOf(words.subarray(0, 4)), wordsOf(words.subarray(4))];
    this.#increment = stream.map((word, i) => (word << 1) | (i === 0 ? 1 : (stream[i - 1] as number) >>> 15));
    this.#step();
    let carry = 0;
    for (let i = 0; i < WORDS; i++) {
      carry += this.#state[i]! + initial[i]!;
      this.#state[i] = carry;
      carry >>>= 16;
    }
    this.#step();
  }

  /** The next 32 bits: of each 64 the lower half first. */
  next32(): number {
    const kept = this.#upper;
    if (kept !== undefined) {
      this.#upper = undefined;
      return kept;
    }
    this.#step();
    const state = this.#state;
    const low = (state[0]! ^ state[4]!) | ((state[1]! ^ state[5]!) << 16);
    const high = (state[2]! ^ state[6]!) | ((state[3]! ^ state[7]!) << 16);
    const turn = state[7]! >>> 10;
    const [first, second] = turn < 32 ? [low, high] : [high, low];
    const by = turn & 31;
    const mixed = (lower: number, upper: number) => (by === 0 ? lower : (lower >>> by) | (upper << (32 - by))) >>> 0;
    this.#upper = mixed(second, first);
    return mixed(first, second);
  }

  /** An integer 0..most, as numpy's `random_interval` draws it: those beyond are dropped. */
  below(most: number): number {
    const mask = -1 >>> Math.clz32(most);
    for (;;) {
      const draw = (this.next32() & mask) >>> 0;
      if (draw <= most) return draw;
    }
  }

  #step(): void {
    const [state, next] = [this.#state, this.#next];
    let carry = 0;
    for (let i = 0; i < WORDS; i++) {
      let sum = this.#increment[i]! + carry;
      for (let j = 0; j <= i; j++) sum += state[j]! * MULTIPLIER[i - j]!;
      next[i] = sum;
      carry = Math.floor(sum / 65536);
    }
    this.#state = next;
    this.#next = state;
  }
}

/**
 * What numpy's `default_rng(seed).permutation(length)` gives.
 * @param length 0..2^32 − 1
 */
export function numpyPermutation(seed: number, length: number): Uint32Array {
  const generator = new Pcg64(seed);
  const indices = new Uint32Array(length);
  for (let i = 0; i < length; i++) indices[i] = i;
  for (let i = length - 1; i > 0; i--) {
    const j = generator.below(i);
    const index = indices[i]!;
    indices[i] = indices[j]!;
    indices[j] = index;
  }
  return indices;
}

/** 128 bits of four words of 32, of which numpy makes two of 64, the higher one first. */
function wordsOf(seed: Uint32Array): Words {
  const [a = 0, b = 0, c = 0, d = 0] = seed;
  return Uint16Array.of(c, c >>> 16, d, d >>> 16, a, a >>> 16, b, b >>> 16);
}
