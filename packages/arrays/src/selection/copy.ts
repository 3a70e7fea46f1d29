import { DataRefError, ndarray, type ArrayTypes, type NDArray, type NumericDType } from '@dataref/core';
import { arrayType, countOf, float16ToNumber, orAbort } from '@dataref/core/adapter';
import type { ChunkSource } from '../chunks/chunk-source.js';
import { sizeOf } from '../metadata/limits.js';
import type { BroadcastValue } from '../values/value.js';
import { describeShape } from './describe.js';
import { chunkParts, cStrides, type ChunkPart } from './grid.js';
import type { ResolvedSelection } from './resolve.js';
import { copyStrided } from './strided.js';

/** What single values of a dtype are: booleans of bool, bigints of 64-bit integers, numbers else (of float16 too). */
export type Scalar<D extends NumericDType> = D extends 'bool'
  ? boolean
  : D extends 'int64' | 'uint64'
    ? bigint
    : number;

/** What places are that were never written, as the dtype's array has it (float16 as bits); 0 by default. */
interface FillOption<D extends NumericDType> {
  readonly fill?: ArrayTypes[D][number] | undefined;
}

export interface ReadOptions<D extends NumericDType> extends FillOption<D> {
  /** Chunks read at once, an integer from 1 to 1024; 16 by default. */
  readonly parallel?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PARALLEL_READS = 16;

/**
 * What is selected, in memory of its own. Each chunk that the selection touches is asked for once, the others never.
 * @returns an NDArray of the selection's shape in C order; the value alone where `selection.isScalar`
 * @throws DataRefError MEMORY_LIMIT where the runtime gives no array so large; what `readChunk` throws, when no read is
 *   under way any more. An abort rejects with the signal's reason, at once
 */
export async function readSelection<D extends NumericDType>(
  source: ChunkSource<D>,
  selection: ResolvedSelection,
  { parallel = PARALLEL_READS, signal, fill }: ReadOptions<D> = {},
): Promise<NDArray<D> | Scalar<D>> {
  signal?.throwIfAborted();
  const result = allocate(source.dtype, selection, fill);
  const strides = cStrides(selection.axes.map(({ count }) => count));
  const parts = chunkParts(source, selection);
  const size = sizeOf(source.chunk);
  let failed = false;
  const work = async (): Promise<void> => {
    for (let next = parts.next(); next.done !== true && !failed; next = parts.next()) {
      const part = next.value;
      try {
        const into = isRun(part, source.chunk, strides) ? runOf(result, offsetOf(part, strides), size) : undefined;
        const data = await orAbort(source.readChunk(part.place, { signal, into }), signal);
        if (data !== undefined && data.buffer !== result.buffer)
          copyStrided(
            { data, offset: part.offset, strides: part.strides },
            { data: result, offset: offsetOf(part, strides), strides },
            part.counts,
          );
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: countOf('parallel', parallel, 1, 1024) }, work);
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return selection.isScalar ? scalarOf(source.dtype, result) : ndarray(result, selection.shape, source.dtype);
}

/** What a write does to one chunk. */
export interface ChunkWrite<D extends NumericDType> {
  /** The chunk's place in the grid of chunks. */
  readonly place: readonly number[];
  /** Whether every place of it that is within the array is written: then nobody needs to read it. */
  readonly isWhole: boolean;
  /**
   * The chunk as it is after the write: a new array of the chunk's shape, C order. It may be asked for again, of newer
   * values, where another writer was faster.
   * @param values of the chunk now, which are not changed; undefined where it was never written, or none of them stays
   */
  readonly apply: (values: ArrayTypes[D] | undefined) => ArrayTypes[D];
}

/**
 * The chunks that a write touches, in C order, made one at a time as they are asked for.
 * @param value what `resolveValue` made for the selection's shape: it was checked, so that no write fails half way
 */
export function* planWrite<D extends NumericDType>(
  array: Pick<ChunkSource<D>, 'dtype' | 'shape' | 'chunk'>,
  selection: ResolvedSelection,
  value: BroadcastValue<D>,
  { fill }: FillOption<D> = {},
): Generator<ChunkWrite<D>, void> {
  const strides = valueStrides(selection, value);
  const size = sizeOf(array.chunk);
  for (const part of chunkParts(array, selection)) {
    const { place, isWhole } = part;
    yield {
      place,
      isWhole,
      apply: (values) => {
        const data = filled(
          new (arrayType(array.dtype))(size) as ArrayTypes[D],
          values === undefined ? fill : undefined,
        );
        if (values !== undefined) data.set(values as never);
        const from = { data: value.data, offset: offsetOf(part, strides), strides };
        copyStrided(from, { data, offset: part.offset, strides: part.strides }, part.counts);
        return data;
      },
    };
  }
}

/** Strides of a value along all axes of the array, those that the selection squeezes among them. */
function valueStrides({ axes }: ResolvedSelection, { strides }: BroadcastValue): number[] {
  let next = 0;
  return axes.map(({ isSqueezed }) => (isSqueezed ? 0 : (strides[next++] as number)));
}

/** Whether a chunk lies whole, and as it is, in an array of these strides. */
function isRun({ counts, strides }: ChunkPart, chunk: readonly number[], to: readonly number[]): boolean {
  return counts.every((count, d) => count === chunk[d] && (count === 1 || strides[d] === to[d]));
}

function runOf(
  { buffer, byteOffset, BYTES_PER_ELEMENT: width }: ArrayTypes[NumericDType],
  start: number,
  size: number,
): Uint8Array {
  return new Uint8Array(buffer, byteOffset + start * width, size * width);
}

function offsetOf({ first }: ChunkPart, strides: readonly number[]): number {
  return first.reduce((sum, place, d) => sum + place * (strides[d] as number), 0);
}

function allocate<D extends NumericDType>(
  dtype: D,
  { shape, text }: ResolvedSelection,
  fill: ArrayTypes[D][number] | undefined,
): ArrayTypes[D] {
  const size = sizeOf(shape);
  try {
    return filled(new (arrayType(dtype))(size) as ArrayTypes[D], fill);
  } catch (error) {
    throw new DataRefError(
      'MEMORY_LIMIT',
      `${text} selects ${dtype}${describeShape(shape)}, ${size} elements, and the runtime gives no array so large; select less at once`,
      { cause: error, details: { shape, dtype } },
    );
  }
}

function filled<A extends ArrayTypes[NumericDType]>(data: A, fill: number | bigint | undefined): A {
  if (fill !== undefined && (Object.is(fill, -0) || Number(fill) !== 0)) data.fill(fill as never);
  return data;
}

function scalarOf<D extends NumericDType>(dtype: D, [element]: ArrayTypes[D]): Scalar<D> {
  const value = dtype === 'bool' ? element !== 0 : dtype === 'float16' ? float16ToNumber(element as number) : element;
  return value as Scalar<D>;
}
