import type { ArrayTypes, NumericDType } from '@dataref/core';
import type { ChunkForm } from './codec.js';

const CLASSES = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

export function elementBytes(dtype: NumericDType): number {
  return CLASSES[dtype].BYTES_PER_ELEMENT;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function byteLengthOf({ dtype, shape }: ChunkForm): number {
  return elementCount(shape) * elementBytes(dtype);
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes as a dtype's array: the same memory where it is aligned, else a copy. */
export function arrayOf<D extends NumericDType>(dtype: D, bytes: Uint8Array): ArrayTypes[D] {
  const Class = CLASSES[dtype];
  const { buffer, byteOffset, length } = bytes.byteOffset % Class.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Class(buffer as ArrayBuffer, byteOffset, length / Class.BYTES_PER_ELEMENT) as ArrayTypes[D];
}
