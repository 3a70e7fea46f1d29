import { DataRefError } from '../errors.js';
import { shareOf } from './deal.js';
import { lastEpochOf } from './last-epoch.js';
import { layersOf, startOfInput, totalCount, type PlanNode } from './plan-node.js';
import type { Passes } from './recipe.js';
import { layersFrom } from './remaining.js';
import type { Element, Others, Stage } from './stage.js';
import { stepStage } from './step-stage.js';

/** `passes` passes over the input as one, each the next epoch; Infinity for endless ones. */
export function repeatNode<T extends { readonly count: number }>(
  input: PlanNode<T>,
  passes: number,
  rank: number,
): PlanNode<T> {
  const { unit } = input;
  const total = times(passes, input.total);
  const hasOutput = (unit === 1 ? input.own : input.total) > 0;
  return {
    unit,
    total,
    // Records are dealt on across the edge of epochs, batches are not.
    own: unit === 1 ? times(passes, input.own) : shareOf(total, rank, unit),
    open(start) {
      const begun = startOfInput(start, 'repeat');
      const layers = layersOf(start);
      let cursor = input.open(begun.input);
      let pass = begun.count;
      let { lastEpoch } = cursor;
      let passEpoch = lastEpoch;
      const hasNext = (): boolean => pass + 1 < passes && hasOutput;
      const nextPass = (): void => {
        pass++;
        passEpoch = Math.max(lastEpoch, passEpoch) + 1;
        cursor = input.open({ epoch: passEpoch, position: 0, layers });
      };
      /** Goes to the next pass as soon as one has nothing left, so that every place has one state. */
      const advance = (): void => {
        while (cursor.remaining() === 0 && hasNext()) {
          cursor.pull(1); // a pass that is skipped whole may go over several epochs: they are behind it now
          lastEpoch = Math.max(lastEpoch, cursor.lastEpoch);
          nextPass();
        }
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
            if (more.length > 0) ({ lastEpoch } = cursor);
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
        get lastEpoch() {
          return lastEpoch;
        },
      };
    },
    initial: (beginning) => ({ kind: 'step', name: 'repeat', count: 0, input: input.initial(beginning) }),
  };
}

function times(passes: number, outputs: number): number {
  return passes === 0 || outputs === 0 ? 0 : passes * outputs;
}

function endless(): DataRefError {
  return new DataRefError('EMPTY', 'repeat() without a count over a pass that has no output would never end');
}

/** Passes in a row in which one rank of several may have no output, before it is thought that it never will. */
const MOST_EMPTY = 16;

/**
 * `repeatNode` for what only reading can tell. It looks one output ahead, so that every place has one state.
 * @param inner repeats of the input: what each pass covers, whatever is left of it
 * @param isShare the input is what one rank was dealt, of which a pass may well leave nothing
 */
export function repeatStage<T>(input: Stage<T>, passes: number, inner: Passes, isShare: boolean): Stage<T> {
  const mostEmpty = isShare ? MOST_EMPTY : 1;
  return stepStage<T, T>(input, { name: 'repeat' }, () => (begun) => {
    const { reading, layers, after } = begun;
    let { run, count: pass } = begun;
    /** The last epoch of the pass: that of its last output, where the input's repeats do not tell. */
    let epoch = Math.max(begun.epoch, lastEpochOf(begun.start, inner) ?? 0);
    let passEpoch = begun.epoch;
    let isEmpty = !begun.isResumed;
    let emptyPasses = 0;
    let others: Others | undefined;
    let ahead: Promise<Element<T> | undefined> | undefined;
    /** The next output of this pass or, where it has none, of the next one that has. */
    const pull = async (): Promise<Element<T> | undefined> => {
      for (;;) {
        const element = pass < passes ? await run.next() : undefined;
        if (element !== undefined) {
          isEmpty = false;
          emptyPasses = 0;
          others = undefined;
          epoch = Math.max(epoch, element.lastEpoch);
          return { ...element, follow: undefined, after: after(pass, element.after) };
        }
        if (run.others !== undefined) others = { ...run.others, epoch: others?.epoch ?? run.others.epoch };
        const isPart = layers !== undefined && layersFrom(layers, passEpoch).length > 0;
        if (isEmpty && !isPart) emptyPasses++;
        if (emptyPasses >= mostEmpty && passes === Infinity) throw endless();
        if (pass + 1 >= passes) return undefined;
        await run.close();
        reading.signal.throwIfAborted(); // or a pass would be begun that nobody ends
        pass++;
        passEpoch = epoch + 1;
        const beginning = { epoch: passEpoch, position: 0, layers };
        epoch = lastEpochOf(beginning, inner) ?? passEpoch;
        isEmpty = true;
        run = input.open(beginning, reading);
      }
    };
    return {
      async next() {
        const element = await (ahead ?? pull());
        ahead = undefined;
        if (element === undefined) return undefined;
        const lastPass = pass;
        const next = await (ahead = settled(pull())).catch(() => undefined);
        if (pass === lastPass || next === undefined) return element;
        // The next output is of a later pass: this one's place is the beginning of that pass.
        const [passNow, epochNow] = [pass, passEpoch];
        return { ...element, after: after(passNow, () => input.initial({ epoch: epochNow, position: 0, layers })) };
      },
      close: () => run.close(),
      get others() {
        return others;
      },
    };
  });
}

/** A promise whose rejection, kept for later, is no unhandled one. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
