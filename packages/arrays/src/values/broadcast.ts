import { cStrides } from '../selection/grid.js';

/**
 * Strides by which an array of one shape, in C order, is read as one of another, by numpy's rules of assignment: axes of
 * size 1 are repeated, axes that it lacks are new ones in front, and axes of size 1 that it has too many of in front are dropped.
 * @returns elements from one place to the next along each axis of `to`, 0 where one is repeated; undefined where the
 *   shapes do not go together
 * @see https://numpy.org/doc/stable/user/basics.broadcasting.html
 */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] | undefined {
  const surplus = from.length - to.length;
  if (from.slice(0, Math.max(0, surplus)).some((size) => size !== 1)) return undefined;
  const strides = cStrides(from);
  const isRepeated = (d: number): boolean => d < 0 || (from[d] === 1 && to[d - surplus] !== 1);
  const fits = to.every((size, d) => isRepeated(d + surplus) || from[d + surplus] === size);
  return fits ? to.map((_, d) => (isRepeated(d + surplus) ? 0 : (strides[d + surplus] as number))) : undefined;
}
