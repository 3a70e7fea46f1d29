/** What can be reduced: numbers of 4 or 8 bytes. */
export type Reducible = Float32Array | Float64Array | Int32Array;
/** How `allreduce` makes one value of the ranks' values; a mean of Int32Array is cut towards zero. */
export type Reduction = 'sum' | 'mean' | 'min' | 'max';
/** What can be sent as it is: any typed array over an ordinary buffer, a view of a part of one too. */
export type Sendable = Reducible | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | BigInt64Array;

/**
 * Operations that all ranks of a job make together, in the same order. `@dataref/horovod-shard/mpi` and `/tcp` have engines;
 * another may be put in their place.
 *
 * Calls of one rank are served in the order in which they were made. Where a peer dies, leaves, or makes another call,
 * each call that is under way or made later rejects with `COLLECTIVE_FAILED`: none hangs.
 * @see MPI 4.0, chapter 6, whose names these are
 */
export interface Collective {
  /** From 0. */
  readonly rank: number;
  readonly size: number;
  /**
   * Each value of `values` becomes the sum, mean, least or greatest of the ranks' values, on all ranks to the bit the same.
   * @param values written in place; as many of one dtype on each rank, none too; not to be touched until it is done
   * @returns `values`
   * @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT
   */
  allreduce<T extends Reducible>(values: T, reduction?: Reduction): Promise<T>;
  /**
   * `values` become those of rank `root`.
   * @param values read at the root, else written in place; as many bytes on each rank
   * @param root default 0
   * @returns `values`
   * @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT
   */
  broadcast<T extends Sendable>(values: T, root?: number): Promise<T>;
  /**
   * @param values as many on each rank
   * @returns a new array: the values of rank 0, of rank 1, …
   * @throws DataRefError COLLECTIVE_FAILED, INVALID_ARGUMENT
   */
  allgather<T extends Sendable>(values: T): Promise<T>;
  /** Done when every rank has called it. @throws DataRefError COLLECTIVE_FAILED */
  barrier(): Promise<void>;
  /** Leaves the job, in good order where every rank does. May be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
