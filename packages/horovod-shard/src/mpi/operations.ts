import { zerosLike } from '../collective/arrays.js';
import { kindOf } from '../collective/checks.js';
import type { Reducible, Reduction, Sendable } from '../collective/types.js';
import { call, type Call } from './functions.js';
import type { MpiLibrary } from './library.js';
import { fromOrdered, toOrdered } from './total-order.js';

/** MPI counts in int32, and not all that is in MPI counts bytes in more: larger arrays go in several calls. */
const MOST_BYTES = 2 ** 30;

/** Gives the calls to make, once; when all are made it goes on to its end. Where one is not, it is thrown the error. */
export type Operation<T> = Generator<readonly Call[], T, void>;

export function allreduce<T extends Reducible>(
  mpi: MpiLibrary,
  size: number,
  values: T,
  reduction: Reduction,
): Operation<T> {
  return reduction === 'sum' || reduction === 'mean'
    ? sum(mpi, size, values, reduction)
    : extreme(mpi, values, reduction);
}

function* sum<T extends Reducible>(mpi: MpiLibrary, size: number, values: T, reduction: 'sum' | 'mean'): Operation<T> {
  const { float, double, int, sum: op } = mpi.handles;
  const isInt = isInt32(values);
  // The sum of integers whose mean is an int32 may be none.
  const summed = isInt && reduction === 'mean' ? Float64Array.from(values) : values;
  yield reduced(mpi, summed, summed.BYTES_PER_ELEMENT === 8 ? double : isInt ? int : float, op);
  if (reduction === 'mean') for (let i = 0; i < values.length; i++) values[i] = summed[i]! / size;
  return values;
}

function* extreme<T extends Reducible>(mpi: MpiLibrary, values: T, reduction: 'min' | 'max'): Operation<T> {
  const { int, int64, [reduction]: op } = mpi.handles;
  if (!isInt32(values)) toOrdered(values, reduction);
  try {
    yield reduced(mpi, values, values.BYTES_PER_ELEMENT === 8 ? int64 : int, op);
  } finally {
    if (!isInt32(values)) fromOrdered(values);
  }
  return values;
}

function reduced(mpi: MpiLibrary, values: Reducible, type: unknown, op: unknown): Call[] {
  const { inPlace, world } = mpi.handles;
  return partsOf(values).map((part) => call('Allreduce', inPlace, part, part.length, type, op, world));
}

export function* broadcast<T extends Sendable>(mpi: MpiLibrary, values: T, root: number): Operation<T> {
  yield sent(mpi, values, root);
  return values;
}

function sent(mpi: MpiLibrary, values: Sendable, root: number): Call[] {
  const { byte, world } = mpi.handles;
  return partsOf(values).map((part) => call('Bcast', part, part.byteLength, byte, root, world));
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
    yield [call('Allgather', values, byteLength, byte, all, byteLength, byte, world)];
    return all;
  }
  all.set(values as never, rank * values.length);
  const partOf = (root: number) => all.subarray(root * values.length, (root + 1) * values.length);
  yield Array.from({ length: size }, (_, root) => sent(mpi, partOf(root), root)).flat();
  return all;
}

/** Views of at most so many bytes, none of an empty array. */
export function partsOf<T extends Sendable>(values: T, mostBytes = MOST_BYTES): readonly T[] {
  const { length, byteLength, BYTES_PER_ELEMENT } = values;
  if (length === 0) return [];
  if (byteLength <= mostBytes) return [values];
  const most = Math.floor(mostBytes / BYTES_PER_ELEMENT);
  return Array.from({ length: Math.ceil(length / most) }, (_, i) => values.subarray(i * most, (i + 1) * most) as T);
}

function isInt32(values: Reducible): values is Int32Array {
  return kindOf(values) === 'Int32Array';
}
