import { IdleTurns } from './idle-turns.js';
import { stepAfter, stepStart, stepStates, type Element, type Stage } from './stage.js';
import type { StateNode } from './state.js';

export interface Windows {
  /** Records of one window. */
  readonly size: number;
  /** Records from one window's first to the next one's. */
  readonly shift: number;
  /** Whether windows at the end that are not full are given too. */
  readonly keepsRemainder: boolean;
}

/**
 * Lists of `size` consecutive records, `shift` apart: they overlap where it is less, and leave records out where it is
 * more. Carries over a restart the place of the next window's first record.
 * @see tf.data.Dataset.window
 */
export function windowStage(input: Stage, { size, shift, keepsRemainder }: Windows): Stage<unknown[]> {
  const name = `window(${size},${shift})`;
  return {
    unit: input.unit,
    get schema() {
      const { schema } = input;
      return schema === undefined || keepsRemainder ? undefined : Array.from({ length: size }, () => schema);
    },
    functions: input.functions,
    ...stepStates({ name, input }),
    open(start, signal) {
      const begun = stepStart(start, name);
      const run = input.open(begun.input, signal);
      const held: Element[] = [];
      let owed = begun.count;
      const idle = new IdleTurns(signal);
      return {
        async next() {
          for (; owed > 0; owed--) {
            if ((await run.next()) === undefined) return undefined;
            await idle.next();
          }
          while (held.length < size) {
            const element = await run.next();
            if (element === undefined) break;
            held.push(element);
          }
          const [first] = held;
          if (first === undefined || (held.length < size && !keepsRemainder)) return undefined;
          const last = held.at(-1) as Element;
          const value = held.map((element) => element.value);
          const gone = held.splice(0, shift);
          owed = shift - gone.length;
          const after: () => StateNode = stepAfter(name, owed, (gone.at(-1) as Element).after);
          return { value, origin: first.origin, epoch: first.epoch, lastEpoch: last.lastEpoch, after };
        },
        close: () => run.close(),
      };
    },
  };
}
