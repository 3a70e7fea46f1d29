import { IdleTurns } from './idle-turns.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';
import type { Windows } from './transform-options.js';

/**
 * Lists of `size` consecutive records, `shift` apart: they overlap where it is less, and leave records out where it is
 * more. Carries over a restart the place of the next window's first record.
 * @see tf.data.Dataset.window
 */
export function windows({ size, shift, keepsRemainder }: Windows): OpenStep<unknown, unknown[]> {
  return ({ run, count, reading, after }) => {
    const held: Element[] = [];
    const idle = new IdleTurns(reading.signal);
    let owed = count;
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
        const { lastEpoch } = held.at(-1) as Element;
        const value = held.map((element) => element.value);
        const gone = held.splice(0, shift);
        owed = shift - gone.length;
        const { origin, epoch } = first;
        return { value, origin, epoch, lastEpoch, after: after(owed, (gone.at(-1) as Element).after) };
      },
    };
  };
}
