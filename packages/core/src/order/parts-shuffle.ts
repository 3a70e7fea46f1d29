import { sha256Text } from '../checksum/fingerprint.js';
import { checkFill } from './checks.js';
import type { Order } from './order.js';
import { startPermutation } from './permutation.js';

/** How a 'parts' order takes the parts of a dataset. */
export interface PartsLayout {
  /** Records of each part, in order. */
  readonly partRecords: readonly number[];
  /** Parts whose records are shuffled among themselves, at least 1. */
  readonly window: number;
}

/** What is known of the window that was read last. */
interface OpenWindow {
  readonly start: number;
  readonly end: number;
  readonly order: Order;
  /** The window's parts, in the order of the epoch. */
  readonly parts: Uint32Array;
  /** The first place in the window of each part, and the end. */
  readonly starts: Float64Array;
}

/**
 * Parts in a permuted order, the records of each window of consecutive ones shuffled among themselves: who reads it needs
 * `window` parts at a time, and each part once. A pure function of its arguments, specified in docs/orders.md.
 */
export class PartsOrder implements Order {
  readonly length: number;
  readonly #seed: number;
  readonly #epoch: number;
  readonly #window: number;
  /** First index of each part of the dataset, and the end. */
  readonly #firsts: Float64Array;
  /** Numbers of the parts that hold records, in the order of this epoch. */
  readonly #sequence: Uint32Array;
  /** First position of each window, and the end. */
  readonly #windowStarts: Float64Array;
  #open: OpenWindow | undefined;

  /**
   * @param seed an integer 0..2^52
   * @param epoch an integer 0..2^32−1
   */
  constructor({ partRecords, window }: PartsLayout, seed: number, epoch: number) {
    this.#seed = seed;
    this.#epoch = epoch;
    this.#window = window;
    this.#firsts = runningSums(partRecords);
    this.length = this.#firsts[partRecords.length] as number;
    const filled = Uint32Array.from(partRecords.keys()).filter((part) => (partRecords[part] as number) > 0);
    const sequence = new Uint32Array(filled.length);
    startPermutation(filled.length, seed, epoch, 0).fill(sequence, 0, filled.length, 0, 1);
    this.#sequence = sequence.map((place) => filled[place] as number);
    const sizes = Array.from({ length: Math.ceil(filled.length / window) }, (_, number) =>
      this.#partsOf(number).reduce((sum, part) => sum + (partRecords[part] as number), 0),
    );
    this.#windowStarts = runningSums(sizes);
  }

  fill(out: Uint32Array | Float64Array, offset: number, count: number, start: number, stride: number): void {
    checkFill(this.length, out, offset, count, start, stride);
    for (let done = 0; done < count;) {
      const position = start + done * stride;
      const window = this.#windowAt(position);
      const run = Math.min(count - done, Math.ceil((window.end - position) / stride));
      window.order.fill(out, offset + done, run, position - window.start, stride);
      this.#toIndices(window, out, offset + done, run);
      done += run;
    }
  }

  /** Indices of the parts that are read from a position on, soonest first: those of its window, then the others. */
  *rangesFrom(position: number): Generator<{ readonly start: number; readonly end: number }> {
    if (position >= this.length) return;
    for (const part of this.#sequence.subarray(this.#window * placeAmong(this.#windowStarts, position))) {
      yield { start: this.#firsts[part] as number, end: this.#firsts[part + 1] as number };
    }
  }

  #partsOf(number: number): Uint32Array {
    return this.#sequence.subarray(number * this.#window, (number + 1) * this.#window);
  }

  #windowAt(position: number): OpenWindow {
    const open = this.#open;
    if (open !== undefined && position >= open.start && position < open.end) return open;
    const number = placeAmong(this.#windowStarts, position);
    const parts = this.#partsOf(number);
    const start = this.#windowStarts[number] as number;
    const end = this.#windowStarts[number + 1] as number;
    const order = startPermutation(end - start, this.#seed, this.#epoch, number + 1);
    const sizes = Array.from(parts, (part) => (this.#firsts[part + 1] as number) - (this.#firsts[part] as number));
    return (this.#open = { start, end, order, parts, starts: runningSums(sizes) });
  }

  /** Turns places in a window into indices of the dataset. */
  #toIndices({ parts, starts }: OpenWindow, out: Uint32Array | Float64Array, offset: number, count: number): void {
    for (let k = offset; k < offset + count; k++) {
      const place = out[k] as number;
      const part = placeAmong(starts, place);
      // The difference first: it keeps all below 2^53.
      out[k] = (this.#firsts[parts[part] as number] as number) + (place - (starts[part] as number));
    }
  }
}

/** Tells layouts apart: the first 16 hexadecimal digits of a SHA-256 over the numbers of records of all parts that hold any. */
export function layoutHash(partRecords: readonly number[]): string {
  return sha256Text(`layout ${partRecords.filter((records) => records > 0).join(' ')}`).slice(7, 23);
}

/** The sums before each value, and of all at the end. */
function runningSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(values.length + 1);
  values.forEach((value, i) => (sums[i + 1] = (sums[i] as number) + value));
  return sums;
}

/** The last place whose start is at most `value`, by bisection. `starts` ends with the end of the last place. */
function placeAmong(starts: Float64Array, value: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
