import type { ArrayTypes, NumericDType } from '@dataref/core';
import { arrayType } from '@dataref/core/adapter';
import { sizeOf } from '../metadata/limits.js';
import type { ChunkForm } from './codec.js';

export function elementBytes(dtype: NumericDType): number {
  return arrayType(dtype).BYTES_PER_ELEMENT;
}

export function byteLengthOf({ dtype, shape }: ChunkForm): number {
  return sizeOf(shape) * elementBytes(dtype);
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes as a dtype's array: the same memory where it is aligned, else a copy. */
export function arrayOf<D extends NumericDType>(dtype: D, bytes: Uint8Array): ArrayTypes[D] {
  const Class = arrayType(dtype);
  const { buffer, byteOffset, length } = bytes.byteOffset % Class.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Class(buffer, byteOffset, length / Class.BYTES_PER_ELEMENT) as ArrayTypes[D];
}
