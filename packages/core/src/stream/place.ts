import type { Place } from './pass.js';
import type { Cursor, PlanNode } from './plan-node.js';

/**
 * Where a cursor stands. With nothing left in the pass it stands at the beginning of the next epoch.
 * @param lastEpoch epoch of the last record before the place
 */
export function placeOf<T extends { readonly count: number }>(
  plan: PlanNode<T>,
  cursor: Cursor<T>,
  lastEpoch: number = cursor.epoch,
): Place {
  if (cursor.remaining() > 0) return { epoch: cursor.epoch, lastEpoch, node: cursor.snapshot() };
  return { epoch: lastEpoch + 1, lastEpoch, node: () => plan.initial(lastEpoch + 1, 0) };
}
