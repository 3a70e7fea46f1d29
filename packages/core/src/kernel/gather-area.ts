import { DataRefError } from '../errors.js';
import { instantiateKernel, type Kernel } from './kernel.js';
import { webAssembly, type WasmMemory } from './webassembly.js';

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
const COLUMN_ALIGNMENT = 64;

/** Results pass through a scratch region that stays in the cache, in pieces, whatever the size of the batch. */
const SCRATCH_BYTES = 262_144;
const SCRATCH_ELEMENTS = SCRATCH_BYTES / 4;
/** Rows in one piece at most. */
const PIECE_ROWS = 4_096;
/** From about this row size on, one `set` for each row beats a gather into scratch and a second copy. */
const DIRECT_BYTES = 16_384;

/** Fixed addresses: row numbers, result offsets, results, then the columns. */
const INDICES = 0;
const OFFSETS = INDICES + PIECE_ROWS * 4;
const RESULTS = OFFSETS + PIECE_ROWS * 4 + COLUMN_ALIGNMENT;
const COLUMNS = RESULTS + SCRATCH_BYTES;

const ONE_HOT = { uint8: 'gatherOneHotU8', int32: 'gatherOneHotI32', int64: 'gatherOneHotI64' } as const;

/**
 * Columns of an in-memory dataset in one WebAssembly memory, and gathers from them into ordinary arrays.
 *
 * Every method takes its rows as `indices`, any number of them, in any order and with repeats, and writes them densely
 * from the start of `out`, which must lie outside the area. Row numbers are not checked against the column.
 * The memory never grows, so the views stay valid as long as the area lives.
 */
export class GatherArea {
  /** One view for each byte length asked for, zero-filled, 64-byte aligned; fill them before gathering. */
  readonly columns: readonly Uint8Array<ArrayBuffer>[];
  readonly #kernel: Kernel;
  readonly #indices: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #floats: Float32Array;
  readonly #ints: Int32Array;

  /**
   * @param columnByteLengths the size of each column; about 4 GiB together at most.
   * @throws DataRefError `MEMORY_LIMIT` when they do not fit or the memory cannot be had; `UNSUPPORTED` in a runtime
   *   without WebAssembly.
   */
  constructor(columnByteLengths: readonly number[]) {
    let end = COLUMNS;
    const addresses = columnByteLengths.map((byteLength) => {
      const address = end;
      end += Math.ceil(byteLength / COLUMN_ALIGNMENT) * COLUMN_ALIGNMENT;
      return address;
    });
    const memory = allocate(end);
    this.columns = columnByteLengths.map((byteLength, i) => new Uint8Array(memory.buffer, addresses[i], byteLength));
    this.#kernel = instantiateKernel(memory);
    this.#indices = new Uint32Array(memory.buffer, INDICES, PIECE_ROWS);
    this.#bytes = new Uint8Array(memory.buffer, RESULTS, SCRATCH_BYTES);
    this.#floats = new Float32Array(memory.buffer, RESULTS, SCRATCH_ELEMENTS);
    this.#ints = new Int32Array(memory.buffer, RESULTS, SCRATCH_ELEMENTS);
  }

  /**
   * Copies rows of `byteLength` bytes.
   *
   * @param column one of `columns`.
   * @param out at least indices.length * byteLength bytes.
   */
  gather(column: Uint8Array, byteLength: number, indices: Uint32Array, out: Uint8Array): void {
    const n = indices.length;
    if (byteLength === 0) return;
    if (byteLength === 1) {
      for (let k = 0; k < n; k++) out[k] = column[indices[k] as number] as number;
      return;
    }
    if (byteLength >= DIRECT_BYTES) {
      for (let k = 0; k < n; k++) {
        const start = (indices[k] as number) * byteLength;
        out.set(column.subarray(start, start + byteLength), k * byteLength);
      }
      return;
    }
    const pieceRows = Math.min(PIECE_ROWS, Math.floor(SCRATCH_BYTES / byteLength));
    for (let k = 0; k < n; k += pieceRows) {
      const count = this.#load(indices, k, Math.min(n, k + pieceRows));
      this.#kernel.gather(column.byteOffset, INDICES, count, byteLength, RESULTS);
      out.set(this.#bytes.subarray(0, count * byteLength), k * byteLength);
    }
  }

  /**
   * Adds up the elements of rows of varying length, so that an output can be sized.
   *
   * @param offsets a uint32 column of element offsets: row i is the elements offsets[i] to offsets[i + 1].
   * @returns the number of elements in the rows, exact up to 2^53.
   */
  measureRanges(offsets: Uint8Array, indices: Uint32Array): number {
    let elements = 0;
    for (let k = 0; k < indices.length; k += PIECE_ROWS) {
      const count = this.#load(indices, k, Math.min(indices.length, k + PIECE_ROWS));
      elements += this.#kernel.measureRanges(offsets.byteOffset, INDICES, count);
    }
    return elements;
  }

  /**
   * Packs rows of varying length one after another.
   *
   * @param column the elements of all rows, of `elementBytes` bytes each.
   * @param offsets a uint32 column of element offsets: row i is the elements offsets[i] to offsets[i + 1].
   * @param out at least `measureRanges(offsets, indices) * elementBytes` bytes.
   * @param outOffsets gets indices.length + 1 element offsets into `out`, the first of them 0.
   */
  gatherRanges(
    column: Uint8Array,
    offsets: Uint8Array,
    elementBytes: number,
    indices: Uint32Array,
    out: Uint8Array,
    outOffsets: Uint32Array,
  ): void {
    const starts = new Uint32Array(offsets.buffer, offsets.byteOffset, offsets.byteLength / 4);
    const flush = (first: number, end: number): void => {
      if (first === end) return;
      const count = this.#load(indices, first, end);
      const { byteOffset } = column;
      const bytes = this.#kernel.gatherRanges(
        byteOffset,
        offsets.byteOffset,
        INDICES,
        count,
        elementBytes,
        RESULTS,
        OFFSETS,
      );
      out.set(this.#bytes.subarray(0, bytes), (outOffsets[first] as number) * elementBytes);
    };

    let elements = 0;
    let first = 0;
    let pieceBytes = 0;
    outOffsets[0] = 0;
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k] as number;
      const start = starts[index] as number;
      const end = starts[index + 1] as number;
      const bytes = (end - start) * elementBytes;
      const isDirect = bytes >= DIRECT_BYTES;
      if (isDirect || pieceBytes + bytes > SCRATCH_BYTES || k - first === PIECE_ROWS) {
        flush(first, k);
        first = k;
        pieceBytes = 0;
      }
      if (isDirect) {
        out.set(column.subarray(start * elementBytes, end * elementBytes), elements * elementBytes);
        first = k + 1;
      } else {
        pieceBytes += bytes;
      }
      elements += end - start;
      outOffsets[k + 1] = elements;
    }
    flush(first, indices.length);
  }

  /**
   * Converts uint8[elements] rows to float32: `Math.fround(value * Math.fround(scale))`.
   *
   * @param out at least indices.length * elements values.
   */
  gatherU8F32(column: Uint8Array, elements: number, indices: Uint32Array, out: Float32Array, scale: number): void {
    this.#convert(column.byteOffset, 1, elements, indices, out, this.#floats, (src, n, count) => {
      this.#kernel.gatherU8F32(src, INDICES, n, count, RESULTS, scale);
      return -1;
    });
  }

  /**
   * Converts int64[elements] rows to int32.
   *
   * @param out at least indices.length * elements values.
   * @returns -1, or the first k whose row indices[k] has a value that int32 does not hold; `out` is then undefined.
   */
  gatherI64I32(column: Uint8Array, elements: number, indices: Uint32Array, out: Int32Array): number {
    return this.#convert(column.byteOffset, 8, elements, indices, out, this.#ints, (src, n, count) =>
      this.#kernel.gatherI64I32(src, INDICES, n, count, RESULTS),
    );
  }

  /**
   * Turns one label a row into float32[classes], all 0 but a 1 at the label.
   *
   * @param dtype of the labels.
   * @param classes 1 to 65,536.
   * @param out at least indices.length * classes values.
   * @returns -1, or the first k whose label at indices[k] is not in 0..classes-1; `out` is then undefined.
   * @throws DataRefError `UNSUPPORTED` for more than 65,536 classes.
   */
  gatherOneHot(
    column: Uint8Array,
    dtype: keyof typeof ONE_HOT,
    classes: number,
    indices: Uint32Array,
    out: Float32Array,
  ): number {
    if (classes > SCRATCH_ELEMENTS) {
      const message = `One-hot rows have at most ${SCRATCH_ELEMENTS} classes, got ${classes}. Keep the labels as integers.`;
      throw new DataRefError('UNSUPPORTED', message, { details: { classes } });
    }
    const gather = this.#kernel[ONE_HOT[dtype]];
    return this.#convert(column.byteOffset, 0, classes, indices, out, this.#floats, (src, n) =>
      gather(src, INDICES, n, classes, RESULTS),
    );
  }

  /** Runs a kernel over pieces of whole rows, or over pieces of one row where a row is larger than the scratch region. */
  #convert<T extends Float32Array | Int32Array>(
    src: number,
    inputBytes: number,
    elements: number,
    indices: Uint32Array,
    out: T,
    results: T,
    run: (src: number, n: number, elements: number) => number,
  ): number {
    const n = indices.length;
    if (elements <= SCRATCH_ELEMENTS) {
      const pieceRows = Math.min(PIECE_ROWS, Math.floor(SCRATCH_ELEMENTS / Math.max(elements, 1)));
      for (let k = 0; k < n; k += pieceRows) {
        const count = this.#load(indices, k, Math.min(n, k + pieceRows));
        const failed = run(src, count, elements);
        if (failed !== -1) return k + failed;
        out.set(results.subarray(0, count * elements), k * elements);
      }
      return -1;
    }
    this.#indices[0] = 0;
    for (let k = 0; k < n; k++) {
      for (let start = 0; start < elements; start += SCRATCH_ELEMENTS) {
        const count = Math.min(SCRATCH_ELEMENTS, elements - start);
        const row = src + ((indices[k] as number) * elements + start) * inputBytes;
        if (run(row, 1, count) !== -1) return k;
        out.set(results.subarray(0, count), k * elements + start);
      }
    }
    return -1;
  }

  /** Puts indices[start..end) where the kernels read them, and returns how many they are. */
  #load(indices: Uint32Array, start: number, end: number): number {
    this.#indices.set(start === 0 && end === indices.length ? indices : indices.subarray(start, end));
    return end - start;
  }
}

function allocate(byteLength: number): WasmMemory {
  const { Memory } = webAssembly();
  const pages = Math.ceil(byteLength / PAGE_BYTES);
  const message = `Resident columns need ${byteLength} bytes of WebAssembly memory, of which there are at most 4 GiB. Read this dataset by position.`;
  if (pages > MAX_PAGES) throw new DataRefError('MEMORY_LIMIT', message, { details: { byteLength } });
  try {
    return new Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new DataRefError('MEMORY_LIMIT', message, { cause, details: { byteLength } });
  }
}
