import type { Place } from './pass.js';
import { layersOf, type Cursor, type PlanNode, type Start } from './plan-node.js';

/**
 * Where a cursor stands. With nothing left in the pass it stands at the beginning of the next epoch.
 * @param start of the pass
 * @param lastEpoch epoch of the last record before the place
 */
export function placeOf<T extends { readonly count: number }>(
  plan: PlanNode<T>,
  cursor: Cursor<T>,
  start: Start,
  lastEpoch: number = cursor.epoch,
): Place {
  if (cursor.remaining() > 0) return { epoch: cursor.epoch, lastEpoch, node: cursor.snapshot() };
  return endPlace(plan, start, lastEpoch);
}

/** The end of an iteration, as the beginning of the next one. */
export function endPlace(plan: Pick<PlanNode<never>, 'initial'>, start: Start, lastEpoch: number): Place {
  const last = Math.max(start.lastEpoch ?? 0, lastEpoch);
  const epoch = last + 1;
  const layers = layersOf(start);
  return { epoch, lastEpoch: last, node: () => plan.initial({ epoch, position: 0, layers }) };
}
