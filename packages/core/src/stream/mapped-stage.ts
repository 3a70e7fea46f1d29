import { MapRunner, type Outcome } from './map-runner.js';
import type { RecordMap } from './recipe.js';
import type { Element, Stage } from './stage.js';
import { WorkQueue } from './work-queue.js';

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
    initial: (epoch, position) => input.initial(epoch, position),
    open(start, signal) {
      const run = input.open(start, signal);
      const runner = new MapRunner(maps, input.functions - maps.length);
      const pull = () => run.next();
      const blocks = new WorkQueue(runner.depth, runner.blockSize, pull, async (block: readonly Element[]) => ({
        block,
        outcomes: await runner.run(block, signal),
      }));
      let current: { readonly block: readonly Element[]; readonly outcomes: readonly Outcome[] } | undefined;
      let row = 0;
      return {
        async next() {
          for (;;) {
            if (current === undefined || row >= current.outcomes.length) {
              current = await blocks.next();
              row = 0;
              if (current === undefined) return undefined;
            }
            const outcome = current.outcomes[row] as Outcome;
            const element = current.block[row++] as Element;
            if ('error' in outcome) throw outcome.error;
            if ('value' in outcome) return { ...element, value: outcome.value };
          }
        },
        async close() {
          await run.close();
          await blocks.settle();
          await runner.close();
        },
      };
    },
  };
}
