import type { NDArray, NumericDType } from '@dataref/core';
import type { IoOptions } from '@dataref/core/store';
import type { CompressOptions } from '../codec/codecs-of.js';
import type { Scalar } from '../selection/copy.js';
import type { Index } from '../selection/slice.js';
import type { ArrayValue, ValueOptions } from '../values/value.js';

export interface ArrayOptions<
  D extends NumericDType,
  S extends readonly number[],
  R extends number | undefined = number | undefined,
>
  extends CompressOptions, IoOptions {
  /** Sizes of the axes, integers ≥ 0; at most 2^53 elements. What is not written takes no space. */
  readonly shape: S;
  /** Sizes of a chunk, one for each axis, integers ≥ 1; at most 2 GiB. */
  readonly chunk: readonly number[];
  readonly dtype: D;
  /**
   * What becomes of an array that has the name already. `'error'` (default) leaves it as it is; `'replace'` puts the new one,
   * which has nothing written, in its place.
   */
  readonly ifExists?: 'error' | 'replace' | undefined;
  /**
   * How many axes number the records, where each record has a shape of its own along the others, up to `shape`. Those
   * shapes are an array too, `shapes`.
   */
  readonly recordAxes?: R;
}

export interface SetOptions extends ValueOptions, IoOptions {}

type AllIntegers<I extends readonly Index[]> = I extends readonly number[] ? true : false;

/** What a selection gives: one value where each axis has its number, else an NDArray. */
export type Selected<D extends NumericDType, S extends readonly number[], I extends readonly Index[]> =
  AllIntegers<I> extends true
    ? I['length'] extends S['length']
      ? number extends S['length']
        ? Scalar<D> | NDArray<D, readonly number[]>
        : Scalar<D>
      : NDArray<D, readonly number[]>
    : NDArray<D, readonly number[]>;

/** An array in a storage, in chunks. It keeps the shape that it was opened with; what others resize is seen by opening it anew. */
export interface ChunkedArray<
  D extends NumericDType = NumericDType,
  S extends readonly number[] = readonly number[],
  R extends number | undefined = number | undefined,
> {
  readonly name: string;
  readonly dtype: D;
  readonly shape: S;
  /** Sizes of a chunk, which is read and written as a whole. */
  readonly chunk: readonly number[];
  /** How many axes number the records, where each record has a shape of its own. */
  readonly recordAxes: R;
  /**
   * Shapes of the records, int32 `[...records, axes of a record]`, where each has its own; −1 until it is set, which stands
   * for all that there is room for. Undefined where the array was made without `recordAxes`.
   */
  readonly shapes: ChunkedArray<'int32'> | undefined;
  /**
   * What is selected, by numpy's rules: integers drop their axis, bounds are clamped, axes that are not named are whole;
   * steps are positive. As many chunks are read as the selection touches. Where records have their own shapes, their axes
   * have the sizes of the largest one selected.
   * @returns an NDArray of memory of its own, in C order; the value alone where every axis has an integer
   * @throws DataRefError OUT_OF_RANGE, INVALID_ARGUMENT for the selection; CORRUPT names the chunk; GENERATION_GONE where the
   *   array was replaced or deleted since it was opened; MEMORY_LIMIT, STORE_FAILED, TIMEOUT
   */
  get<const I extends readonly Index[]>(selection: I, options?: IoOptions): Promise<Selected<D, S, I>>;
  /**
   * Writes a value, broadcast and converted as numpy does, durably once it resolves. Chunks that are covered are written
   * without being read; of each other one what is not selected stays, whoever else writes to it. A chunk is written as a
   * whole or not at all; when this fails, some may be written, and the same call again writes them all.
   * @throws DataRefError INVALID_ARGUMENT with both shapes; OUT_OF_RANGE; LOSSY_CAST unless `cast`; RAGGED; MIXED_DTYPES;
   *   UNSUPPORTED where the array can only be read; GENERATION_GONE where it was replaced or deleted since it was opened, with
   *   nothing of it left behind; CORRUPT, DISK_FULL, STORE_FAILED, TIMEOUT
   */
  set(selection: readonly Index[], value: ArrayValue<D>, options?: SetOptions): Promise<void>;
  /**
   * Gives the array other sizes. What is cut off is gone, also when the array grows again: then it is as if it had never
   * been written.
   * @param shape a number is the length of the first axis
   * @throws DataRefError INVALID_ARGUMENT, UNSUPPORTED; NOT_FOUND, GENERATION_GONE where it was deleted or replaced; CORRUPT,
   *   STORE_FAILED, TIMEOUT
   */
  resize(shape: number | readonly number[], options?: IoOptions): Promise<void>;
  /**
   * Lengthens the first axis, and writes there. Those who append at the same time, here or elsewhere, get places one after
   * another. The places are taken first: until they are written, and where that fails, they are as if never written.
   * @param values an NDArray or nested arrays of as many axes, or a typed array of whole records in C order
   * @returns place of the first one appended
   * @throws DataRefError as `set` and `resize` do
   */
  append(values: ArrayValue<D>, options?: SetOptions): Promise<number>;
  /**
   * The shape of one record, without the axes that number the records: the first one, unless the array has `recordAxes`.
   * @throws DataRefError OUT_OF_RANGE, INVALID_ARGUMENT; CORRUPT, STORE_FAILED, TIMEOUT
   */
  shapeOf(record: number | readonly number[], options?: IoOptions): Promise<readonly number[]>;
}
