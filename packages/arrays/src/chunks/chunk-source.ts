import type { ArrayTypes, NumericDType } from '@dataref/core';
import type { IoOptions } from '@dataref/core/store';

export interface ChunkReadOptions extends IoOptions {
  /** Memory for the values, as long as they are: they may be put there, and are then returned as an array of it. */
  readonly into?: Uint8Array | undefined;
}

/** One array's chunks, as selections and streams read them. */
export interface ChunkSource<D extends NumericDType = NumericDType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  /** Shape of a chunk; those at the end of an axis are stored whole too, and reach beyond the array. */
  readonly chunk: readonly number[];
  /**
   * A chunk's values in C order, as many as `chunk` says. Undefined where it was never written: then all are the fill value.
   * @param place of the chunk in the grid of chunks
   * @throws DataRefError CORRUPT, STORE_FAILED, TIMEOUT
   */
  readChunk(place: readonly number[], options?: ChunkReadOptions): Promise<ArrayTypes[D] | undefined>;
}
