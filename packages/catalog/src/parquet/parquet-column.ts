import type { NDArray, Schema } from '@dataref/core';
import { float16ToNumber, isField, isNDArray } from '@dataref/core/adapter';

/**
 * A column as Parquet's writer takes it.
 * @param column as `read` gives it
 * @param values one for each record, for what is more than a scalar
 */
export function parquetColumn(schema: Schema, column: unknown, values: () => readonly unknown[]): unknown {
  if (!isField(schema) || schema.shape.length > 0) return values().map(plain);
  if (schema.dtype === 'string' || schema.dtype === 'bytes') return column;
  const { data } = column as { readonly data: ArrayLike<number> };
  if (schema.dtype === 'bool') return Array.from(data, (value) => value !== 0);
  if (schema.dtype === 'float16') return Array.from(data, float16ToNumber);
  const isNarrow = /^u?int(?:8|16)$/u.test(schema.dtype);
  return isNarrow ? Int32Array.from(data) : data;
}

/** Arrays as lists of lists, in records too. */
function plain(value: unknown): unknown {
  if (isNDArray(value)) return nested(value as NDArray);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.fromEntries(value.map((item, i) => [String(i), plain(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function nested({ data, shape, dtype }: NDArray): unknown {
  const toValue = (value: number | bigint): unknown =>
    dtype === 'bool' ? value !== 0 : dtype === 'float16' ? float16ToNumber(value as number) : value;
  let at = 0;
  const build = (depth: number): unknown =>
    depth === shape.length
      ? toValue(data[at++] as number)
      : Array.from({ length: (shape as readonly number[])[depth] as number }, () => build(depth + 1));
  return build(0);
}
