// Values of every dtype, the extreme ones among them; values.py has the same.
import { arrayType, DTYPES as ALL, isNumericDType } from '@dataref/core/adapter';

export const DTYPES = ALL.filter(isNumericDType);

/** Any bits but those of NaNs of other kinds, from a generator with a fixed start. */
export function valuesOf(dtype, length) {
  const values = new (arrayType(dtype))(length);
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
