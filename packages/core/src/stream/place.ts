import type { Place } from './pass.js';
import type { Cursor, PlanNode } from './plan-node.js';

/** Where a cursor stands. With nothing left in the pass it stands at the beginning of the next epoch. */
export function placeOf<T extends { readonly count: number }>(plan: PlanNode<T>, cursor: Cursor<T>): Place {
  const { epoch } = cursor;
  if (cursor.remaining() > 0) return { epoch, lastEpoch: epoch, node: cursor.snapshot() };
  return { epoch: epoch + 1, lastEpoch: epoch, node: () => plan.initial(epoch + 1, 0) };
}
