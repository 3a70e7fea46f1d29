import { DataRefError } from '@dataref/core';
import { cStrides } from '../selection/grid.js';
import { copyStrided } from '../selection/strided.js';
import type { ArrayCodec, ChunkForm } from './codec.js';
import { sizeOf } from '../metadata/limits.js';
import { arrayOf, bytesOf } from './values.js';

/**
 * Axes in another order: `order[i]` is the axis that comes i-th in what is stored. `C` and `F` are Zarr v2's.
 * @see Zarr v3, "transpose codec"
 */
export function transpose(configuration: Readonly<Record<string, unknown>>, form: ChunkForm): ArrayCodec {
  const order = orderOf(configuration['order'], form.shape.length);
  const encoded = { dtype: form.dtype, shape: order.map((axis) => form.shape[axis] as number) };
  const back = order.map((_, axis) => order.indexOf(axis));
  return {
    kind: 'array',
    encoded,
    encode: (bytes) => permuted(bytes, form, order),
    decode: (bytes) => permuted(bytes, encoded, back),
  };
}

function orderOf(order: unknown, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  if (order === 'C') return axes;
  if (order === 'F') return axes.reverse();
  if (Array.isArray(order) && order.length === rank && axes.every((axis) => order.includes(axis))) return order;
  throw new DataRefError(
    'CORRUPT',
    `codec transpose: order must have the axes 0 to ${rank - 1}, got ${JSON.stringify(order)}`,
  );
}

/** Values whose i-th axis is axis `order[i]` of what is given. */
function permuted(bytes: Uint8Array, { dtype, shape }: ChunkForm, order: readonly number[]): Uint8Array {
  const from = arrayOf(dtype, bytes);
  if (from.length !== sizeOf(shape) || order.every((axis, i) => axis === i)) return bytes;
  const to = from.slice();
  const strides = cStrides(shape);
  const sizes = order.map((axis) => shape[axis] as number);
  const source = { data: from, offset: 0, strides: order.map((axis) => strides[axis] as number) };
  copyStrided(source, { data: to, offset: 0, strides: cStrides(sizes) }, sizes);
  return bytesOf(to);
}
