import { isWide } from '../checksum/row-checksums.js';
import type { Leaf } from '../schema/schema.js';

/** One buffer of a part: its bytes a record, or 0 where the values of rows vary. Offsets have one more row than records. */
export interface BufferSpec {
  /** Place of the column among the leaves. */
  readonly leaf: number;
  readonly role: 'values' | 'offsets' | 'shape' | 'checksum';
  readonly stride: number;
}

export interface PlacedBuffer extends BufferSpec {
  /** Bytes from the start of the body or the head. */
  readonly start: number;
  readonly byteLength: number;
}

const ALIGNMENT = 8;

/** The buffers of a part's Arrow record batch, in their order; zero-size columns have none. */
export function bodyBuffers(leaves: readonly Leaf[]): BufferSpec[] {
  return leaves.flatMap((leaf, i): BufferSpec[] => {
    if (leaf.kind === 'fixed')
      return leaf.recordBytes === 0 ? [] : [{ leaf: i, role: 'values', stride: leaf.recordBytes }];
    const buffers: BufferSpec[] = [
      { leaf: i, role: 'offsets', stride: 4 },
      { leaf: i, role: 'values', stride: 0 },
    ];
    return hasShapes(leaf) ? [...buffers, { leaf: i, role: 'shape', stride: 4 * leaf.shape.length }] : buffers;
  });
}

/** The buffers of a part's head: all that is small, and a checksum a record for each wide column. */
export function headBuffers(leaves: readonly Leaf[]): BufferSpec[] {
  const small = bodyBuffers(leaves).filter(({ leaf, role }) => role !== 'values' || !isWide(leaves[leaf] as Leaf));
  const checksums = leaves.flatMap((leaf, i): BufferSpec[] =>
    isWide(leaf) ? [{ leaf: i, role: 'checksum', stride: 4 }] : [],
  );
  return [...small, ...checksums];
}

/** Where each buffer of a part lies, one after another at multiples of 8 bytes. */
export function placeBuffers(
  buffers: readonly BufferSpec[],
  records: number,
  valueBytes: ReadonlyMap<number, number>,
): PlacedBuffer[] {
  let at = 0;
  return buffers.map((spec) => {
    const rows = spec.role === 'offsets' ? records + 1 : records;
    const byteLength =
      spec.role === 'values' && spec.stride === 0 ? (valueBytes.get(spec.leaf) ?? 0) : rows * spec.stride;
    const placed = { ...spec, start: at, byteLength };
    at += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
    return placed;
  });
}

/** Bytes from the first buffer to the end of the last one, with its padding. */
export function totalBytes(placed: readonly PlacedBuffer[]): number {
  const last = placed.at(-1);
  return last === undefined ? 0 : last.start + Math.ceil(last.byteLength / ALIGNMENT) * ALIGNMENT;
}

/** Where no column is wide, the head is the body of the Arrow file itself and no file of its own. */
export function hasHeadFile(leaves: readonly Leaf[]): boolean {
  return leaves.some(isWide);
}

/** Ragged tensors of two or more dimensions keep each row's shape beside its values. */
export function hasShapes(leaf: Leaf): boolean {
  return leaf.kind === 'ragged' && leaf.shape.length > 1;
}
