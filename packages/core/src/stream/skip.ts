import { startOfInput, type PlanNode } from './plan-node.js';

/** Without the first `skipped` outputs of each shard in a pass. They are never read. */
export function skipNode<T extends { readonly count: number }>(input: PlanNode<T>, skipped: number): PlanNode<T> {
  const { unit } = input;
  return {
    unit,
    total: Math.max(0, input.total - skipped * unit),
    own: Math.max(0, input.own - skipped),
    open(start) {
      const begun = startOfInput(start, 'skip');
      const cursor = input.open(begun.input);
      let done = begun.count;
      return {
        pull(count) {
          if (done < skipped) {
            cursor.pull(Math.round((skipped - done) * unit));
            done = skipped;
          }
          return cursor.pull(count);
        },
        remaining: () => Math.max(0, cursor.remaining() - Math.max(0, skipped - done) * unit),
        snapshot() {
          const state = cursor.snapshot();
          const count = done;
          return () => ({ kind: 'step', name: 'skip', count, input: state() });
        },
        get epoch() {
          return cursor.epoch;
        },
      };
    },
    initial: (epoch, position) => ({ kind: 'step', name: 'skip', count: 0, input: input.initial(epoch, position) }),
  };
}
