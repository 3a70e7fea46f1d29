import { DataRefError } from '../errors.js';
import { checkFill } from './checks.js';
import { loadedBlock, MersenneTwister } from './mersenne-twister.js';
import type { Order } from './order.js';

/** The longest numpy order: its indices and its bounded draws stay in 31 bits. */
export const MAX_SHUFFLED_LENGTH = 2 ** 31;

const BLOCK_LENGTH = 624;
const BLOCK = loadedBlock();
/** The draws accepted from one block. */
const DRAWS = new Int32Array(BLOCK_LENGTH);

/**
 * numpy's legacy shuffle of 0..length−1, done in slices of any size; the slicing does not change the result.
 * @see `RandomState.shuffle` in numpy/random/mtrand.pyx and `random_interval` in numpy/random/src/distributions/distributions.c
 */
export class ShuffledOrder implements Order {
  readonly length: number;
  readonly #indices: Uint32Array;
  readonly #twister: MersenneTwister;
  /** The next entry to be set to itself; the shuffle starts when all are. */
  #filled = 0;
  /** The next entry to be exchanged, going down to 1. */
  #entry: number;

  /**
   * An order still to be shuffled: `advance` does it.
   * @param length records, 0..2^31
   * @param twister the source of the draws, owned by this order from now on
   * @throws DataRefError `INVALID_ARGUMENT` when the array of 4 bytes a record cannot be had
   */
  constructor(length: number, twister: MersenneTwister) {
    this.length = length;
    this.#twister = twister;
    this.#entry = length - 1;
    this.#indices = allocate(length);
  }

  /**
   * Does up to `steps` steps and tells whether the order is complete; 2 · length steps always complete it.
   * @param steps an integer ≥ 0, or Infinity
   */
  advance(steps: number): boolean {
    const filled = Math.min(this.length, this.#filled + steps);
    const left = steps - (filled - this.#filled);
    for (let k = this.#filled; k < filled; k++) this.#indices[k] = k;
    this.#filled = filled;
    if (filled < this.length) return false;
    if (left > 0 && this.#entry > 0) this.#exchange(Math.max(0, this.#entry - left));
    return this.#entry <= 0;
  }

  /** Completes the order first, where `advance` has not. */
  fill(out: Uint32Array | Float64Array, offset: number, count: number, start: number, stride: number): void {
    checkFill(this.length, out, offset, count, start, stride);
    this.advance(Infinity);
    const indices = this.#indices;
    for (let k = 0, position = start; k < count; k++, position += stride) out[offset + k] = indices[position]!;
  }

  /** Exchanges the entries from #entry down to `end` + 1, each with one drawn from 0..itself. */
  #exchange(end: number): void {
    const twister = this.#twister;
    twister.load();
    let entry = this.#entry;
    while (entry > end) {
      if (twister.position === BLOCK_LENGTH) twister.refill();
      const first = entry;
      // The mask holds down to half of it; a draw above the entry is dropped, as numpy does.
      const mask = -1 >>> Math.clz32(entry);
      entry = accept(twister, mask, entry, Math.max(end, mask >>> 1));
      swap(this.#indices, first, entry);
    }
    this.#entry = entry;
    twister.save();
  }
}

/**
 * The order numpy gives `RandomState(seed + epoch).shuffle(arange(length))`, not shuffled yet; from 2^32 the sum is given as `[low, high]` words.
 * @param length records, 0..2^31
 * @param seed an integer 0..2^52
 * @param epoch an integer 0..2^52
 */
export function startNumpyShuffle(length: number, seed: number, epoch: number): ShuffledOrder {
  const sum = seed + epoch;
  const twister =
    sum < 2 ** 32 ? MersenneTwister.fromSeed(sum) : MersenneTwister.fromKey([sum % 2 ** 32, Math.floor(sum / 2 ** 32)]);
  return new ShuffledOrder(length, twister);
}

/**
 * Reads on in BLOCK, writes the draws in range to DRAWS, and returns the entry reached, `stop` at the lowest.
 * A branch would be mispredicted for every third draw, so each is written and the place moves on by 0 or 1.
 */
function accept(twister: MersenneTwister, mask: number, entry: number, stop: number): number {
  const wanted = entry - stop;
  const beyond = entry + 1;
  let position = twister.position;
  let count = 0;
  while (position < BLOCK_LENGTH && count < wanted) {
    const draw = BLOCK[position++]! & mask;
    DRAWS[count] = draw;
    // −1 when draw ≤ entry − count, the entry it is drawn for.
    count -= (draw + count - beyond) >> 31;
  }
  twister.position = position;
  return entry - count;
}

/** Exchanges indices[first], indices[first − 1], … down to indices[last + 1] with the entries that were drawn for them. */
function swap(indices: Uint32Array, first: number, last: number): void {
  for (let entry = first; entry > last; entry--) {
    const drawn = DRAWS[first - entry]!;
    const index = indices[entry]!;
    indices[entry] = indices[drawn]!;
    indices[drawn] = index;
  }
}

function allocate(length: number): Uint32Array {
  try {
    return new Uint32Array(length);
  } catch (cause) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `a numpy order of ${length} records needs ${4 * length} bytes, more than can be allocated: use the algorithm 'permutation'`,
      { cause },
    );
  }
}
