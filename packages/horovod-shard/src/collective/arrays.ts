import type { Sendable } from './types.js';

/** Zeros, of the same kind of array. */
export function zerosLike<T extends Sendable>(values: T, length: number): T {
  // What constructs Node's Buffers is deprecated.
  if (Buffer.isBuffer(values)) return Buffer.alloc(length) as unknown as T;
  return new (values.constructor as new (length: number) => T)(length);
}

/** A copy with memory of its own; the `slice` of Node's Buffer is a view. */
export function copyOf<T extends Sendable>(values: T): T {
  const copy = zerosLike(values, values.length);
  copy.set(values as never);
  return copy;
}
