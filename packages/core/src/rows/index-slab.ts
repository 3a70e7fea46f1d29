import { indexArray, type IndexArray } from './row-source.js';

const SLAB_BYTES = 16 * 1024;

/** Index arrays cut from larger buffers: a small typed array with a buffer of its own takes five times as long to make. */
export class IndexSlab {
  readonly #length: number;
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** @param length of the dataset that the indices are of */
  constructor(length: number) {
    this.#length = length;
  }

  /** Room for `count` indices, all 0, that nobody else has. */
  take(count: number): IndexArray {
    const isWide = this.#length > 2 ** 32;
    const byteLength = count * (isWide ? 8 : 4);
    if (byteLength > SLAB_BYTES / 8) return indexArray(count, this.#length);
    if (this.#used + byteLength > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += byteLength;
    return isWide ? new Float64Array(this.#buffer, start, count) : new Uint32Array(this.#buffer, start, count);
  }
}
