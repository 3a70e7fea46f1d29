/** The array that holds each dtype's elements. bool is 0 or 1; float16 is its bits, on every platform. */
export type ArrayTypes = {
  bool: Uint8Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
};
export type NumericDType = keyof ArrayTypes;
export type DType = NumericDType | 'string' | 'bytes';
export type TypedArray = ArrayTypes[NumericDType] | Uint8ClampedArray;

export interface TypedArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): ArrayTypes[NumericDType];
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): ArrayTypes[NumericDType];
}

const CONSTRUCTORS = {
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
} as unknown as Readonly<Record<NumericDType, TypedArrayConstructor>>;

/** Every dtype that there is. */
export const DTYPES: readonly string[] = [...Object.keys(CONSTRUCTORS), 'string', 'bytes'];

export function isNumericDType(dtype: unknown): dtype is NumericDType {
  return typeof dtype === 'string' && Object.hasOwn(CONSTRUCTORS, dtype);
}

export function isDType(dtype: unknown): dtype is DType {
  return dtype === 'string' || dtype === 'bytes' || isNumericDType(dtype);
}

/** The typed array class of a dtype's elements; that of single bytes for `string` (UTF-8) and `bytes`. */
export function arrayType(dtype: DType): TypedArrayConstructor {
  return CONSTRUCTORS[dtype === 'string' || dtype === 'bytes' ? 'uint8' : dtype];
}

/** Bytes of one element: 1 for `bool`, `string` and `bytes`. */
export function elementBytes(dtype: DType): number {
  return arrayType(dtype).BYTES_PER_ELEMENT;
}

const DTYPE_OF_TAG: Readonly<Record<string, NumericDType>> = {
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
  Float16Array: 'float16',
  Float32Array: 'float32',
  Float64Array: 'float64',
};

const CLASS = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** The name of a typed array's class, in any realm and whatever a subclass says it is; undefined for other values. */
function classOf(value: unknown): string | undefined {
  return CLASS?.get?.call(value) as string | undefined;
}

export function isTypedArray(value: unknown): value is TypedArray {
  return classOf(value) !== undefined;
}

/** The dtype that a typed array's class stands for, in any realm; undefined for other values. */
export function dtypeOfArray(value: unknown): NumericDType | undefined {
  return DTYPE_OF_TAG[classOf(value) as string];
}

/** Whether the memory below an array is gone: its buffer was transferred away, or made too small. */
export function isGone(array: ArrayBufferView): boolean {
  if (array.byteLength > 0) return false;
  try {
    void Uint8Array.prototype.at.call(array as Uint8Array, 0); // refuses what is gone, not what is empty
    return false;
  } catch {
    return true;
  }
}

/** The bytes below a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  if (array instanceof Uint8Array) return array;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
