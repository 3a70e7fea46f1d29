import { DataRefError } from '@dataref/core';
import type { ArrayCodec, ChunkForm } from './codec.js';
import { arrayOf, bytesOf, elementCount } from './values.js';

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
  if (from.length !== elementCount(shape) || order.every((axis, i) => axis === i)) return bytes;
  const to = from.slice();
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis] as number);
  const steps = order.map((axis) => strides[axis] as number);
  const last = sizes.length - 1;
  const [size, step] = [sizes[last] as number, steps[last] as number];
  const place = sizes.map(() => 0);
  for (let at = 0, start = 0; at < to.length; at += size) {
    for (let i = 0; i < size; i++) to[at + i] = from[start + i * step] as number;
    for (let axis = last - 1; axis >= 0; axis--) {
      start += steps[axis] as number;
      if (++(place[axis] as number) < (sizes[axis] as number)) break;
      start -= (place[axis] as number) * (steps[axis] as number);
      place[axis] = 0;
    }
  }
  return bytesOf(to);
}
