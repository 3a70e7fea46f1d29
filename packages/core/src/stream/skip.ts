import { IdleTurns } from './idle-turns.js';
import { startOfInput, type PlanNode } from './plan-node.js';
import type { Stage } from './stage.js';
import { stepStage } from './step-stage.js';

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
        get lastEpoch() {
          return cursor.lastEpoch;
        },
      };
    },
    initial: (beginning) => ({ kind: 'step', name: 'skip', count: 0, input: input.initial(beginning) }),
  };
}

/** `skipNode` for what only reading can tell: what is left out is computed, and thrown away. */
export function skipStage<T>(input: Stage<T>, skipped: number): Stage<T> {
  return stepStage<T, T>(input, { name: 'skip' }, () => ({ run, count, reading, after }) => {
    let done = count;
    const idle = new IdleTurns(reading.signal);
    return {
      async next() {
        for (let left = Math.round((skipped - done) * input.unit); left > 0; left--) {
          if ((await run.next()) === undefined) break;
          await idle.next();
        }
        done = Math.max(done, skipped);
        const element = await run.next();
        return element && { ...element, after: after(done, element.after) };
      },
    };
  });
}
