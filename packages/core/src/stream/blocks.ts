import { IdleTurns } from './idle-turns.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';

/** One output of a block: its value, and what it comes from. */
export interface BlockOutput<T> {
  readonly value: T;
  readonly from: Pick<Element, 'origin' | 'epoch'>;
}

/**
 * Takes `size` inputs at a time and makes outputs of them alone: a pure function of the block. So it carries over a
 * restart where the block began and how many outputs it gave; the block is then read again.
 */
export function blocks<T>(
  size: number,
  make: (block: readonly Element[]) => readonly BlockOutput<T>[],
): OpenStep<unknown, T> {
  return (begun) => {
    const { run, reading, after } = begun;
    let { before, count: owed } = begun;
    let end = before;
    let outputs: readonly BlockOutput<T>[] = [];
    let lastEpoch = 0;
    let given = 0;
    const idle = new IdleTurns(reading.signal);
    return {
      async next() {
        while (given >= outputs.length) {
          const block: Element[] = [];
          while (block.length < size) {
            const element = await run.next();
            if (element === undefined) break;
            block.push(element);
            await idle.next();
          }
          const last = block.at(-1);
          if (last === undefined) return undefined;
          before = end;
          end = last.after;
          ({ lastEpoch } = last);
          outputs = make(block);
          given = Math.min(owed, outputs.length);
          owed = 0;
        }
        const { value, from } = outputs[given++] as BlockOutput<T>;
        const place = given === outputs.length ? after(0, end) : after(given, before);
        return { value, origin: from.origin, epoch: from.epoch, lastEpoch, after: place };
      },
    };
  };
}
