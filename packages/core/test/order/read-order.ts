/* oxlint-disable unicorn/no-array-fill-with-reference-type -- Order.fill is not Array.fill */
import { openOrder, type Order, type OrderAlgorithm } from '../../dist/order/order.js';

/** A whole order. */
export function whole(order: Order): Uint32Array {
  const indices = new Uint32Array(order.length);
  order.fill(indices, 0, order.length, 0, 1);
  return indices;
}

/** The indices of these positions, each by a call of its own. */
export function indicesAt(order: Order, positions: readonly number[]): number[] {
  const out = new Float64Array(1);
  return positions.map((position) => {
    order.fill(out, 0, 1, position, 1);
    return out[0]!;
  });
}

/** An order that is reshuffled in every epoch. */
export function open(algorithm: OrderAlgorithm, length: number, seed: number | null, epoch: number): Order {
  return openOrder({ algorithm, seed, reshuffle: true }, length, epoch);
}
