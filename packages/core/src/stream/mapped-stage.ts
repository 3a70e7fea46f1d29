import type { RecordMap } from './recipe.js';
import type { Element, Stage } from './stage.js';
import { lazyRun } from './step-stage.js';

/**
 * Runs maps on every output, where what comes after them needs all, or where they may leave some out. Their places in
 * the state are marked already.
 */
export function mappedStage(input: Stage, maps: readonly RecordMap[]): Stage {
  return {
    unit: input.unit,
    schema: maps.at(-1)?.schema,
    functions: input.functions,
    locate: (start) => input.locate(start),
    initial: (beginning) => input.initial(beginning),
    open(start, reading) {
      const run = input.open(start, reading);
      return lazyRun(run, async () => {
        const { Mapping } = await import('./mapping.js');
        return new Mapping<Element>(maps, input.functions - maps.length, () => run.next(), reading.signal);
      });
    },
  };
}
