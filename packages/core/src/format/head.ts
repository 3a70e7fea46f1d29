import { crc32 } from '../checksum/crc32.js';
import { DataRefError, shown } from '../errors.js';
import type { ColumnData } from '../schema/column-data.js';
import { arrayType, bytesOf } from '../schema/dtypes.js';
import type { Leaf } from '../schema/schema.js';
import { bodyBuffers, hasHeadFile, headBuffers, placeBuffers, totalBytes, type PlacedBuffer } from './layout.js';
import { valueBytesByLeaf, type PartInfo } from './manifest.js';

/** A part's small columns, the offsets of its variable ones, and its checksums: what is read of a part at once. */
export interface PartHead {
  /** By leaf; variable columns have empty `data`, wide fixed ones are undefined. */
  readonly columns: readonly (ColumnData | undefined)[];
  /** CRC-32 of each row of the wide columns, by leaf. */
  readonly checksums: readonly (Uint32Array | undefined)[];
}

/** Where the buffers of the head lie in it. */
export function headLayout(leaves: readonly Leaf[], part: PartInfo): PlacedBuffer[] {
  const specs = hasHeadFile(leaves) ? headBuffers(leaves) : bodyBuffers(leaves);
  return placeBuffers(specs, part.records, valueBytesByLeaf(leaves, part));
}

/** Where the buffers of the body lie, in bytes from the start of the Arrow file. */
export function bodyLayout(leaves: readonly Leaf[], part: PartInfo): PlacedBuffer[] {
  const placed = placeBuffers(bodyBuffers(leaves), part.records, valueBytesByLeaf(leaves, part));
  return placed.map((buffer) => ({ ...buffer, start: buffer.start + part.bodyStart }));
}

/** The bytes of a head file. */
export function encodeHead(
  leaves: readonly Leaf[],
  columns: readonly ColumnData[],
  checksums: readonly (Uint32Array | undefined)[],
): Uint8Array {
  const records = columns[0]?.length ?? 0;
  const placed = placeBuffers(headBuffers(leaves), records, new Map());
  const head = new Uint8Array(totalBytes(placed));
  for (const { leaf, role, start } of placed) {
    const column = columns[leaf] as ColumnData;
    if (role === 'offsets') head.set(bytesOf(Int32Array.from(column.offsets as ArrayLike<number>)), start);
    else if (role === 'shape') head.set(bytesOf(column.shapes as Int32Array), start);
    else if (role === 'checksum') head.set(bytesOf(checksums[leaf] as Uint32Array), start);
    else head.set(bytesOf(column.data), start);
  }
  return head;
}

/**
 * The head that `bytes` hold, over their memory.
 * @throws DataRefError CORRUPT when the checksum or an offset is wrong
 */
export function decodeHead(leaves: readonly Leaf[], part: PartInfo, bytes: Uint8Array, where: string): PartHead {
  if (crc32(bytes) !== part.headCrc32) throw corrupt(where, 'its checksum is wrong');
  const columns: (ColumnData | undefined)[] = leaves.map((leaf) =>
    leaf.kind === 'fixed' && leaf.recordBytes === 0
      ? { leaf, length: part.records, data: new (arrayType(leaf.dtype))(0) }
      : undefined,
  );
  const checksums: (Uint32Array | undefined)[] = leaves.map(() => undefined);
  const sizes = valueBytesByLeaf(leaves, part);
  for (const { leaf: i, role, start, byteLength } of headLayout(leaves, part)) {
    const leaf = leaves[i] as Leaf;
    const at = bytes.byteOffset + start;
    if (role === 'checksum') checksums[i] = new Uint32Array(bytes.buffer, at, part.records);
    else if (role === 'offsets') {
      const offsets = new Uint32Array(bytes.buffer, at, part.records + 1);
      checkOffsets(offsets, (sizes.get(i) ?? 0) / leaf.elementBytes, `${where}: ${leaf.name}`);
      columns[i] = { leaf, length: part.records, data: new (arrayType(leaf.dtype))(0), offsets };
    } else if (role === 'shape') {
      const column = columns[i] as ColumnData;
      const shapes = new Int32Array(bytes.buffer, at, byteLength / 4);
      checkShapes(shapes, column, `${where}: ${leaf.name}`);
      columns[i] = { ...column, shapes };
    } else {
      const data = new (arrayType(leaf.dtype))(bytes.buffer, at, byteLength / leaf.elementBytes);
      columns[i] = { leaf, length: part.records, data };
    }
  }
  return { columns, checksums };
}

/** @throws DataRefError CORRUPT unless a column's offsets rise from 0 to `end` */
export function checkOffsets(offsets: Uint32Array, end: number, where: string): void {
  let last = 0;
  for (const offset of offsets) {
    if (offset < last) throw corrupt(where, 'its offsets run backwards');
    last = offset;
  }
  if (offsets[0] !== 0 || last !== end) throw corrupt(where, `its offsets end at ${last}, its values at ${end}`);
}

/** @throws DataRefError CORRUPT unless each row's shape fits the schema and the row's number of elements */
export function checkShapes(
  shapes: Int32Array,
  { leaf, offsets }: Pick<ColumnData, 'leaf' | 'offsets'>,
  where: string,
): void {
  const rank = leaf.shape.length;
  for (let row = 0; row * rank < shapes.length; row++) {
    let size = 1;
    for (let d = 0; d < rank; d++) {
      const dimension = shapes[row * rank + d] as number;
      if (dimension < 0 || (leaf.shape[d] ?? dimension) !== dimension)
        throw corrupt(where, `row ${row} has a bad shape`);
      size *= dimension;
    }
    if (size !== (offsets?.[row + 1] as number) - (offsets?.[row] as number))
      throw corrupt(where, `row ${row} has a bad shape`);
  }
}

/** @param given where the damage is; the name of a column may be in it, which is the file's word */
export function corrupt(given: string, problem: string): DataRefError {
  const where = shown(given, 1_000);
  return new DataRefError(
    'CORRUPT',
    `${where}: ${problem}. The file was damaged or changed; submit the dataset again`,
    { details: { where } },
  );
}
