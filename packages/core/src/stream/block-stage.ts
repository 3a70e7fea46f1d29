import { stepAfter, stepStart, stepStates, type Element, type Stage } from './stage.js';

/** One output of a block: its value, and the element whose origin it has. */
export interface BlockOutput<T> {
  readonly value: T;
  readonly from: Element;
}

/**
 * A transform that takes `size` inputs at a time and makes its outputs of them alone: a pure function of the block. So it
 * carries over a restart where the block began and how many outputs it gave; the block is then read again.
 */
export function blockStage<T>(
  input: Stage,
  name: string,
  size: number,
  schema: () => Stage['schema'],
  make: (block: readonly Element[]) => readonly BlockOutput<T>[],
): Stage<T> {
  return {
    unit: input.unit,
    get schema() {
      return schema();
    },
    functions: input.functions,
    ...stepStates({ name, input }),
    open(start, signal) {
      const begun = stepStart(start, name);
      const run = input.open(begun.input, signal);
      let before = input.locate(begun.input).node;
      let end = before;
      let outputs: readonly BlockOutput<T>[] = [];
      let lastEpoch = 0;
      let given = 0;
      let owed = begun.count;
      return {
        async next() {
          while (given >= outputs.length) {
            const block: Element[] = [];
            while (block.length < size) {
              const element = await run.next();
              if (element === undefined) break;
              block.push(element);
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
          const isLast = given === outputs.length;
          const after = isLast ? stepAfter(name, 0, end) : stepAfter(name, given, before);
          return { value, origin: from.origin, epoch: from.epoch, lastEpoch, after };
        },
        close: () => run.close(),
      };
    },
  };
}
