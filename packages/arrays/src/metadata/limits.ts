/** Elements of an array: indices stay exact. */
export const MOST_ELEMENTS = Number.MAX_SAFE_INTEGER;
/** As many axes as numpy has. */
export const MOST_AXES = 64;
/** Bytes of one chunk as it is used. */
export const MOST_CHUNK_BYTES = 2 ** 31;
/** Codecs of a chunk, one after another: each takes time and memory. */
export const MOST_CODECS = 32;
/** Chunks in one shard. */
export const MOST_CHUNKS_OF_SHARD = 2 ** 24;
/** Bytes of an array's description. */
export const MOST_METADATA_BYTES = 16 * 2 ** 20;

/** Of an object that holds a chunk: what does not compress grows, by less than its own size. */
export function mostEncodedBytes(chunkBytes: number): number {
  return 2 * chunkBytes + 64 * 2 ** 10;
}

/** The product of sizes; Infinity once it cannot be told exactly, 0 only where one of them is. */
export function sizeOf(shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  const size = shape.reduce((product, n) => product * n, 1);
  return size <= MOST_ELEMENTS ? size : Infinity;
}
