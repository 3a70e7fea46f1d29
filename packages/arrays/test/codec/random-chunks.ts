import type { NumericDType } from '@dataref/core';
import { arrayOf, byteLengthOf } from '../../dist/codec/values.js';

export const LOSSLESS = ['none', 'gzip', 'zlib', 'lz4', 'zstd', 'blosc'] as const;

/** A shape of one to three axes of at most 40 places. */
export function randomShape(random: () => number, axes = 1 + Math.floor(3 * random())): number[] {
  return Array.from({ length: axes }, () => 1 + Math.floor(40 * random() ** 2));
}

/** Values that are all one, repeat, rise slowly, or are any bits at all. */
export function randomValues<D extends NumericDType>(random: () => number, dtype: D, shape: readonly number[]) {
  const bytes = new Uint8Array(byteLengthOf({ dtype, shape }));
  const [kind, period, byte] = [Math.floor(4 * random()), 1 + Math.floor(100 * random()), Math.floor(256 * random())];
  for (let i = 0; i < bytes.length; i++) {
    const any = Math.floor(256 * random());
    bytes[i] = [byte, i % period, i >> 6, any][kind] as number;
  }
  if (dtype === 'bool') bytes.forEach((value, i) => (bytes[i] = value & 1));
  return arrayOf(dtype, bytes);
}

export function bytesIn({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
