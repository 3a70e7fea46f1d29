import type { ColumnData } from '../schema/column-data.js';
import { bytesOf } from '../schema/dtypes.js';
import type { Leaf } from '../schema/schema.js';
import { crc32 } from './crc32.js';

/** Buffers of at most this many bytes a record are narrow: read whole, and hashed by value. */
export const NARROW_BYTES = 16;

/** Wide: more than 16 bytes a record, or of varying size. Such values carry one CRC-32 a record. */
export function isWide(leaf: Leaf): boolean {
  return leaf.kind !== 'fixed' || leaf.recordBytes > NARROW_BYTES;
}

/** CRC-32 of each row's values, as little-endian uint32. */
export function rowChecksums(column: ColumnData): Uint32Array {
  const { leaf, length, offsets } = column;
  const bytes = bytesOf(column.data);
  const out = new Uint32Array(length);
  const width = leaf.elementBytes;
  for (let i = 0; i < length; i++) {
    const start = offsets === undefined ? i * leaf.recordBytes : (offsets[i] as number) * width;
    const end = offsets === undefined ? start + leaf.recordBytes : (offsets[i + 1] as number) * width;
    out[i] = crc32(bytes.subarray(start, end));
  }
  return out;
}
