import { DataRefError } from '../errors.js';
import { startOfInput, totalCount, type PlanNode } from './plan-node.js';

/**
 * `passes` passes over the input as one, each the next epoch; Infinity for endless ones.
 * @param own outputs of this shard in all passes: records are dealt on across the edge of epochs, batches are not
 */
export function repeatNode<T extends { readonly count: number }>(
  input: PlanNode<T>,
  passes: number,
  own: (total: number) => number,
): PlanNode<T> {
  const total = passes === 0 || input.total === 0 ? 0 : passes * input.total;
  return {
    unit: input.unit,
    total,
    own: own(total),
    open(start) {
      const begun = startOfInput(start, 'repeat');
      let cursor = input.open(begun.input);
      let pass = begun.count;
      /** Goes to the next pass as soon as one has nothing left, so that every place has one state. */
      const advance = (): void => {
        while (cursor.remaining() === 0 && pass + 1 < passes) {
          if (input.total === 0) {
            if (passes < Infinity) return;
            throw new DataRefError('EMPTY', 'repeat() without a count over a pass that has no output would never end');
          }
          pass++;
          cursor = input.open({ epoch: cursor.epoch + 1, position: 0 });
        }
      };
      return {
        pull(count) {
          if (pass >= passes) return [];
          const pulled: T[] = [];
          for (let left = count; left > 0;) {
            advance();
            const more = cursor.pull(left);
            if (more.length === 0) break;
            pulled.push(...more);
            left -= totalCount(more);
          }
          advance();
          return pulled;
        },
        remaining() {
          if (pass >= passes) return 0;
          const later = input.total === 0 ? 0 : (passes - pass - 1) * input.total;
          return cursor.remaining() + later;
        },
        snapshot() {
          const state = cursor.snapshot();
          const count = pass;
          return () => ({ kind: 'step', name: 'repeat', count, input: state() });
        },
        get epoch() {
          return cursor.epoch;
        },
      };
    },
    initial: (epoch, position) => ({ kind: 'step', name: 'repeat', count: 0, input: input.initial(epoch, position) }),
  };
}
