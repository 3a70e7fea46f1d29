import { startOfInput, totalCount, type PlanNode } from './plan-node.js';
import type { Stage } from './stage.js';
import { stepStage } from './step-stage.js';

/** At most `limit` outputs of each shard in a pass. The state counts outputs of one shard, so it suits any world. */
export function takeNode<T extends { readonly count: number }>(input: PlanNode<T>, limit: number): PlanNode<T> {
  const { unit } = input;
  return {
    unit,
    total: Math.min(limit * unit, input.total),
    own: Math.min(limit, input.own),
    open(start) {
      const begun = startOfInput(start, 'take');
      const cursor = input.open(begun.input);
      let taken = Math.round(begun.count * unit);
      return {
        pull(count) {
          const pulled = cursor.pull(Math.min(count, Math.max(0, limit * unit - taken)));
          taken += totalCount(pulled);
          return pulled;
        },
        remaining: () => Math.min(Math.max(0, limit * unit - taken), cursor.remaining()),
        snapshot() {
          const state = cursor.snapshot();
          const count = taken / unit;
          return () => ({ kind: 'step', name: 'take', count, input: state() });
        },
        get epoch() {
          return cursor.epoch;
        },
        get lastEpoch() {
          return cursor.lastEpoch;
        },
      };
    },
    initial: (beginning) => ({ kind: 'step', name: 'take', count: 0, input: input.initial(beginning) }),
  };
}

/** `takeNode` for what only reading can tell. */
export function takeStage<T>(input: Stage<T>, limit: number): Stage<T> {
  const { unit } = input;
  return stepStage<T, T>(input, { name: 'take' }, () => ({ run, count, after }) => {
    let taken = Math.round(count * unit);
    return {
      async next() {
        const element = taken < limit * unit ? await run.next() : undefined;
        if (element === undefined) return undefined;
        taken++;
        const follow = taken >= limit * unit ? 'end' : element.follow;
        return { ...element, follow, after: after(taken / unit, element.after) };
      },
    };
  });
}
