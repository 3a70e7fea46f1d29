// Values of every dtype, the extreme ones among them; values.py has the same.
export const DTYPES = [
  'bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float16', 'float32', 'float64',
]; // prettier-ignore

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
  float16: Uint16Array, // its bits
  float32: Float32Array,
  float64: Float64Array,
};

/** Any bits but those of NaNs of other kinds, from a generator with a fixed start. */
export function valuesOf(dtype, length) {
  const values = new CLASSES[dtype](length);
  const bytes = bytesIn(values);
  let state = 12345;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  if (dtype === 'bool') values.forEach((value, i) => (values[i] = value & 1));
  return values;
}

export function bytesIn({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
