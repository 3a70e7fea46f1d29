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
  const { unit } = input;
  const total = times(passes, input.total);
  const hasOutput = (unit === 1 ? input.own : input.total) > 0;
  return {
    unit,
    total,
    own: own(total),
    open(start) {
      const begun = startOfInput(start, 'repeat');
      let cursor = input.open(begun.input);
      let pass = begun.count;
      const hasNext = (): boolean => pass + 1 < passes && hasOutput;
      const nextPass = (): void => {
        pass++;
        cursor = input.open({ epoch: cursor.epoch + 1, position: 0 });
      };
      /** Goes to the next pass as soon as one has nothing left, so that every place has one state. */
      const advance = (): void => {
        while (cursor.remaining() === 0 && hasNext()) nextPass();
      };
      advance();
      return {
        pull(count) {
          if (pass >= passes) return [];
          const pulled: T[] = [];
          for (let left = count; left > 0;) {
            const begunPass = pass;
            const more = cursor.pull(left);
            pulled.push(...more);
            left -= totalCount(more);
            advance();
            if (more.length > 0 || pass > begunPass) continue;
            // What is left of the pass, if anything, is for other shards.
            if (!hasNext()) break;
            nextPass();
          }
          if (count > 0 && pulled.length === 0 && passes === Infinity) throw endless();
          return pulled;
        },
        remaining: () => (pass >= passes ? 0 : cursor.remaining() + times(passes - pass - 1, input.total)),
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

function times(passes: number, outputs: number): number {
  return passes === 0 || outputs === 0 ? 0 : passes * outputs;
}

function endless(): DataRefError {
  return new DataRefError('EMPTY', 'repeat() without a count over a pass that has no output would never end');
}
