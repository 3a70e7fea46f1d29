type Floats = Float32Array | Float64Array;

const SIGN = 0x8000_0000 | 0;
/** The upper half of a quiet NaN, and all of a float32's. */
const NAN = { 4: 0x7fc0_0000, 8: 0x7ff8_0000 } as Record<number, number>;

/**
 * Makes floats comparable as integers of their size, in place: the greater float is the greater integer, -0 is less than
 * 0, and NaN greater than all for `max`, less than all for `min`. A reduction of these gives what Math.max and Math.min
 * do, the same on every rank, which C's comparison of floats does not where there is a NaN or a -0.
 * @see IEEE 754-2019, 5.10, totalOrder
 */
export function toOrdered(values: Floats, reduction: 'min' | 'max'): void {
  const words = wordsOf(values);
  const width = words.length / values.length;
  const nan = NAN[values.BYTES_PER_ELEMENT]! | (reduction === 'min' ? SIGN : 0);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i])) continue;
    words.fill(0, i * width, (i + 1) * width);
    words[(i + 1) * width - 1] = nan;
  }
  flipNegative(words, width);
}

/** Undoes `toOrdered`, in place. */
export function fromOrdered(values: Floats): void {
  flipNegative(wordsOf(values), values.BYTES_PER_ELEMENT / 4);
}

/** The integers below the floats; of a float64 two, the lower half first. */
function wordsOf({ buffer, byteOffset, byteLength }: Floats): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

/** Floats have a sign and a magnitude: where the sign is set, the greater magnitude is to be the lesser integer. */
function flipNegative(words: Int32Array, width: number): void {
  for (let i = width - 1; i < words.length; i += width) {
    if (words[i]! >= 0) continue;
    words[i]! ^= ~SIGN;
    if (width === 2) words[i - 1] = ~words[i - 1]!;
  }
}
