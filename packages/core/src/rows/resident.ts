import { crc32 } from '../checksum/crc32.js';
import { checkOffsets, checkShapes, corrupt } from '../format/head.js';
import { hasShapes, type PlacedBuffer } from '../format/layout.js';
import { GatherArea } from '../kernel/gather-area.js';
import { allocateElements, allocateFresh, type Allocate, type ColumnData } from '../schema/column-data.js';
import { bytesOf } from '../schema/dtypes.js';
import type { Leaf } from '../schema/schema.js';
import { convertColumn, convertedLeaf, lossyCast, mayOverflow, type Conversion } from './convert.js';
import type { IndexArray, ReadRequest } from './row-source.js';
import { MAX_READS } from './read-again.js';
import type { StoredParts } from './stored-parts.js';

/** Bytes read from the files at a time: with their checksum about a millisecond of the main thread. */
const SLICE_BYTES = 2 * 2 ** 20;
/** The same from afar, where each request takes its time. */
const FAR_SLICE_BYTES = 8 * 2 ** 20;

interface Place {
  readonly values: Uint8Array;
  /** uint32 element offsets over the whole dataset. */
  readonly offsets: Uint8Array | undefined;
  /** int32 sizes, rank a row. */
  readonly shapes: Uint8Array | undefined;
}

/** Bytes that a dataset takes in memory when it is resident. */
export function residentBytes(parts: StoredParts): number {
  return columnSizes(parts).reduce((sum, size) => sum + size, 0);
}

/** A whole dataset in memory, each column contiguous across parts, gathered by the WASM kernel. */
export class Resident {
  readonly #parts: StoredParts;
  readonly #area: GatherArea;
  readonly #places: readonly Place[];
  readonly #partCount: number;
  #part = 0;
  #position = 0;
  #crc = 0;
  /** For slices from a local disk, as long as there are more: a fresh one for each costs as much as the reading. */
  #buffer: Uint8Array | undefined;
  /** Of this part, in vain. */
  #reads = 0;
  /** The values of each variable column so far, in elements. */
  readonly #filled: number[];
  readonly #rawOffsets = new Map<number, Uint8Array>();

  /** @throws DataRefError MEMORY_LIMIT when the memory cannot be had */
  constructor(parts: StoredParts) {
    this.#parts = parts;
    this.#partCount = parts.manifest.parts.length;
    this.#area = new GatherArea(columnSizes(parts));
    let next = 0;
    const take = (): Uint8Array => this.#area.columns[next++] as Uint8Array;
    this.#places = parts.leaves.map((leaf) => ({
      values: take(),
      offsets: leaf.kind === 'fixed' ? undefined : take(),
      shapes: hasShapes(leaf) ? take() : undefined,
    }));
    this.#filled = parts.leaves.map(() => 0);
  }

  get isReady(): boolean {
    return this.#part === this.#partCount;
  }

  /** Loads one slice more; may be tried again after a failure. @throws DataRefError CORRUPT when a part's checksum is wrong */
  async load(signal?: AbortSignal): Promise<void> {
    const number = this.#part;
    const { byteLength } = this.#parts.part(number);
    const start = this.#position;
    const file = await this.#parts.file(number, 'arrow');
    let slice: Uint8Array;
    if (file.readSync === undefined) {
      slice = new Uint8Array(Math.min(FAR_SLICE_BYTES, byteLength - start));
      await file.read(slice, start, { signal });
    } else {
      this.#buffer ??= new Uint8Array(SLICE_BYTES);
      slice = this.#buffer.subarray(0, byteLength - start);
      file.readSync(slice, start);
    }
    this.#crc = crc32(slice, this.#crc);
    for (const buffer of this.#parts.body(number)) this.#copy(buffer, slice, start);
    this.#position += slice.length;
    if (this.#position < byteLength) return;
    // Bytes from afar may have been changed on their way: the part is read again before it is taken for damaged.
    const isDamaged = this.#crc !== this.#parts.part(number).crc32;
    if (!isDamaged) {
      this.#finishPart(number);
      return;
    }
    this.#beginPart();
    if (file.readSync === undefined && ++this.#reads < MAX_READS) return;
    throw corrupt(`${this.#parts.name}: part ${number}`, 'its checksum is wrong');
  }

  /** The requested columns of rows `indices`. @throws DataRefError LOSSY_CAST */
  read(indices: IndexArray, { columns, allocate }: ReadRequest): ColumnData[] {
    return columns.map(({ leaf, to }) => this.#gather(leaf, indices as Uint32Array, allocate, to));
  }

  #gather(place: number, indices: Uint32Array, allocate: Allocate, to: Conversion | undefined): ColumnData {
    const leaf = this.#parts.leaves[place] as Leaf;
    if (to === undefined)
      return leaf.kind === 'fixed'
        ? this.#fixed(place, leaf, indices, allocate)
        : this.#variable(place, leaf, indices, allocate);
    const fused = this.#fused(place, leaf, indices, allocate, to);
    if (fused !== undefined) return fused;
    const column = this.#gather(place, indices, allocateFresh, undefined);
    return convertColumn(column, to, allocate, (row) => indices[row] as number);
  }

  #fixed(place: number, leaf: Leaf, indices: Uint32Array, allocate: Allocate): ColumnData {
    const data = allocateElements(leaf, indices.length * leaf.size, allocate);
    this.#area.gather((this.#places[place] as Place).values, leaf.recordBytes, indices, bytesOf(data));
    return { leaf, length: indices.length, data };
  }

  #variable(place: number, leaf: Leaf, indices: Uint32Array, allocate: Allocate): ColumnData {
    const { values, offsets, shapes } = this.#places[place] as Required<Place>;
    const rowOffsets = offsets as Uint8Array;
    const data = allocateElements(leaf, this.#area.measureRanges(rowOffsets, indices), allocate);
    const packed = new Uint32Array(indices.length + 1);
    this.#area.gatherRanges(values, rowOffsets, leaf.elementBytes, indices, bytesOf(data), packed);
    const column = { leaf, length: indices.length, data, offsets: packed };
    if (shapes === undefined) return column;
    const rank = leaf.shape.length;
    const gathered = new Int32Array(indices.length * rank);
    this.#area.gather(shapes, 4 * rank, indices, bytesOf(gathered));
    return { ...column, shapes: gathered };
  }

  /** The conversions that the kernel does while it gathers. */
  #fused(place: number, leaf: Leaf, indices: Uint32Array, allocate: Allocate, to: Conversion): ColumnData | undefined {
    if (leaf.kind !== 'fixed') return undefined;
    const { values } = this.#places[place] as Place;
    const target = convertedLeaf(leaf, to);
    const output = () => allocateElements(target, indices.length * target.size, allocate);
    const finish = (data: ColumnData['data'], failed: number): ColumnData => {
      if (failed < 0) return { leaf: target, length: indices.length, data };
      const index = indices[failed] as number;
      const row = this.#fixed(place, leaf, indices.subarray(failed, failed + 1), allocateFresh).data;
      const culprit =
        to.oneHot === undefined
          ? Array.from(row as BigInt64Array).find((value) => BigInt.asIntN(32, value) !== value)
          : row[0];
      throw lossyCast(leaf, to, culprit ?? 0, index);
    };
    if (to.oneHot !== undefined) {
      const known = leaf.dtype === 'uint8' || leaf.dtype === 'int32' || leaf.dtype === 'int64';
      if (!known || to.dtype !== 'float32' || to.oneHot > 65_536) return undefined;
      const data = output() as Float32Array;
      return finish(data, this.#area.gatherOneHot(values, leaf.dtype, to.oneHot, indices, data));
    }
    if (leaf.dtype === 'uint8' && to.dtype === 'float32' && !mayOverflow(leaf.dtype, to)) {
      const data = output() as Float32Array;
      this.#area.gatherU8F32(values, leaf.size, indices, data, to.scale ?? 1);
      return finish(data, -1);
    }
    if (leaf.dtype !== 'int64' || to.dtype !== 'int32') return undefined;
    const data = output() as Int32Array;
    return finish(data, this.#area.gatherI64I32(values, leaf.size, indices, data));
  }

  /** Copies what of a buffer lies in a slice of the part's file. */
  #copy(buffer: PlacedBuffer, slice: Uint8Array, sliceStart: number): void {
    const from = Math.max(buffer.start, sliceStart);
    const end = Math.min(buffer.start + buffer.byteLength, sliceStart + slice.length);
    if (from >= end) return;
    const leaf = this.#parts.leaves[buffer.leaf] as Leaf;
    const place = this.#places[buffer.leaf] as Place;
    const firstRecord = this.#parts.table.starts[this.#part] as number;
    const bytes = slice.subarray(from - sliceStart, end - sliceStart);
    const at = from - buffer.start;
    if (buffer.role === 'offsets') {
      const raw = this.#rawOffsets.get(buffer.leaf) ?? new Uint8Array(buffer.byteLength);
      raw.set(bytes, at);
      this.#rawOffsets.set(buffer.leaf, raw);
    } else if (buffer.role === 'shape') (place.shapes as Uint8Array).set(bytes, firstRecord * buffer.stride + at);
    else if (leaf.kind === 'fixed') place.values.set(bytes, firstRecord * leaf.recordBytes + at);
    else place.values.set(bytes, (this.#filled[buffer.leaf] as number) * leaf.elementBytes + at);
  }

  #finishPart(number: number): void {
    const where = `${this.#parts.name}: part ${number}`;
    const firstRecord = this.#parts.table.starts[number] as number;
    for (const [place, raw] of this.#rawOffsets) {
      const own = new Uint32Array(raw.buffer);
      const leaf = this.#parts.leaves[place] as Leaf;
      const { offsets, shapes } = this.#places[place] as Place;
      const all = new Uint32Array(
        (offsets as Uint8Array).buffer,
        (offsets as Uint8Array).byteOffset,
        (offsets as Uint8Array).byteLength / 4,
      );
      const base = this.#filled[place] as number;
      const size =
        this.#parts.body(number).find((buffer) => buffer.leaf === place && buffer.role === 'values')?.byteLength ?? 0;
      const end = size / leaf.elementBytes;
      checkOffsets(own, end, `${where}: ${leaf.name}`);
      if (shapes !== undefined) {
        const rank = leaf.shape.length;
        const rows = own.length - 1;
        const sizes = new Int32Array(shapes.buffer, shapes.byteOffset + 4 * rank * firstRecord, rank * rows);
        checkShapes(sizes, { leaf, offsets: own }, `${where}: ${leaf.name}`);
      }
      for (let i = 0; i < own.length; i++) all[firstRecord + i] = base + (own[i] as number);
      this.#filled[place] = base + end;
    }
    this.#part++;
    if (this.isReady) this.#buffer = undefined;
    this.#reads = 0;
    this.#beginPart();
  }

  #beginPart(): void {
    this.#rawOffsets.clear();
    this.#position = 0;
    this.#crc = 0;
  }
}

/** Bytes of each region of the area: values, then offsets and shapes where the column has them. */
function columnSizes(parts: StoredParts): number[] {
  const { length } = parts.manifest;
  let variable = 0;
  return parts.leaves.flatMap((leaf) => {
    if (leaf.kind === 'fixed') return [length * leaf.recordBytes];
    const place = variable++;
    const values = parts.manifest.parts.reduce((sum, part) => sum + (part.valueBytes[place] ?? 0), 0);
    const sizes = [values, 4 * (length + 1)];
    return hasShapes(leaf) ? [...sizes, 4 * leaf.shape.length * length] : sizes;
  });
}
