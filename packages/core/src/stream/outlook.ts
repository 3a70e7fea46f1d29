import { maxEpoch, type OrderSpec } from '../order/order.js';
import { PartsOrder } from '../order/parts-shuffle.js';
import type { RowRange } from '../rows/row-source.js';

/** A position of an epoch's order. */
export interface OrderPlace {
  readonly epoch: number;
  readonly position: number;
}

/**
 * Which rows an order of `length` records needs from a place on, soonest first: to the end of the epoch, then of the next one.
 * A shuffle of all records needs all of them all the time: they come as they lie, so that what can hold a share of
 * them holds the same one for good.
 */
export function rowsAhead(order: OrderSpec, length: number): (place: OrderPlace) => Iterable<RowRange> {
  const { algorithm, seed, layout } = order;
  if (layout !== undefined && seed !== null) {
    // This epoch's and the next one's; made anew when the epoch changes.
    const orders = new Map<number, PartsOrder>();
    const orderOf = (epoch: number): PartsOrder => {
      const key = order.reshuffle ? epoch : 0;
      const known = orders.get(key) ?? new PartsOrder(layout, seed, key);
      if (orders.size > 1) orders.delete(orders.keys().next().value as number);
      orders.delete(key);
      orders.set(key, known);
      return known;
    };
    return function* ({ epoch, position }) {
      yield* orderOf(epoch).rangesFrom(position);
      if (epoch < maxEpoch(order)) yield* orderOf(epoch + 1).rangesFrom(0);
    };
  }
  return function* ({ position }) {
    if (algorithm === 'sequential' && position < length) yield { start: position, end: length };
    yield { start: 0, end: length };
  };
}

/** Ranges of one shard's records, where it has every `shards`-th of the dataset, as ranges of the dataset. */
export function* stretched(ranges: Iterable<RowRange>, shards: number, length: number): Generator<RowRange> {
  for (const { start, end } of ranges) yield { start: start * shards, end: Math.min(length, end * shards) };
}
