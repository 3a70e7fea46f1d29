import { zerosLike } from '../collective/arrays.js';
import { kindOf } from '../collective/checks.js';
import type { Reducible, Reduction, Sendable } from '../collective/types.js';
import type { Call, MpiLibrary } from './library.js';
import { fromOrdered, toOrdered } from './total-order.js';

/** MPI counts in int32, and not all that is in MPI counts bytes in more: larger arrays go in several calls. */
const MOST_BYTES = 2 ** 30;

/** Calls to make one after the other, here or in a thread; what comes between them is done by who makes them. */
export type Operation<T> = Generator<Call, T, void>;

export function* allreduce<T extends Reducible>(
  mpi: MpiLibrary,
  size: number,
  values: T,
  reduction: Reduction,
): Operation<T> {
  if (reduction === 'sum' || reduction === 'mean') yield* sum(mpi, size, values, reduction);
  else yield* extreme(mpi, values, reduction);
  return values;
}

function* sum(mpi: MpiLibrary, size: number, values: Reducible, reduction: 'sum' | 'mean'): Operation<void> {
  const { float, double, int, sum: op } = mpi.handles;
  const isInt = isInt32(values);
  // The sum of integers whose mean is an int32 may be none.
  const summed = isInt && reduction === 'mean' ? Float64Array.from(values) : values;
  yield* reduce(mpi, summed, summed.BYTES_PER_ELEMENT === 8 ? double : isInt ? int : float, op);
  if (reduction === 'mean') for (let i = 0; i < values.length; i++) values[i] = summed[i]! / size;
}

function* extreme(mpi: MpiLibrary, values: Reducible, reduction: 'min' | 'max'): Operation<void> {
  const { int, int64, [reduction]: op } = mpi.handles;
  if (!isInt32(values)) toOrdered(values, reduction);
  yield* reduce(mpi, values, values.BYTES_PER_ELEMENT === 8 ? int64 : int, op);
  if (!isInt32(values)) fromOrdered(values);
}

function* reduce(mpi: MpiLibrary, values: Reducible, type: unknown, op: unknown): Operation<void> {
  const { inPlace, world } = mpi.handles;
  for (const part of partsOf(values)) yield ['Allreduce', inPlace, part, part.length, type, op, world];
}

export function* broadcast<T extends Sendable>(mpi: MpiLibrary, values: T, root: number): Operation<T> {
  const { byte, world } = mpi.handles;
  for (const part of partsOf(bytesOf(values))) yield ['Bcast', part, part.length, byte, root, world];
  return values;
}

export function* allgather<T extends Sendable>(
  mpi: MpiLibrary,
  { rank, size }: { readonly rank: number; readonly size: number },
  values: T,
): Operation<T> {
  const { byte, world } = mpi.handles;
  const all = zerosLike(values, values.length * size);
  const { byteLength } = values;
  if (byteLength > 0 && all.byteLength <= MOST_BYTES) {
    yield ['Allgather', bytesOf(values), byteLength, byte, bytesOf(all), byteLength, byte, world];
    return all;
  }
  all.set(values as never, rank * values.length);
  for (let root = 0; root < size; root++)
    yield* broadcast(mpi, all.subarray(root * values.length, (root + 1) * values.length), root);
  return all;
}

/** Views of at most so many bytes, none of an empty array. */
export function* partsOf<T extends Sendable>(values: T, mostBytes = MOST_BYTES): Generator<T> {
  const length = Math.floor(mostBytes / values.BYTES_PER_ELEMENT);
  for (let start = 0; start < values.length; start += length)
    yield length >= values.length ? values : (values.subarray(start, start + length) as T);
}

function bytesOf({ buffer, byteOffset, byteLength }: Sendable): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isInt32(values: Reducible): values is Int32Array {
  return kindOf(values) === 'Int32Array';
}
