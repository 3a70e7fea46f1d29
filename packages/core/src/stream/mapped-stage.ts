import type { RecordMap } from './recipe.js';
import type { Stage } from './stage.js';
import { callUser } from './user-function.js';

/** Runs maps on every output, where what comes after them needs all. Their places in the state are marked already. */
export function mappedStage(input: Stage, maps: readonly RecordMap[]): Stage {
  const users = maps.map(({ fn }, i) => ({ what: 'map', fn, step: input.functions - maps.length + i }));
  return {
    unit: input.unit,
    schema: maps.at(-1)?.schema,
    functions: input.functions,
    locate: (start) => input.locate(start),
    initial: (epoch, position) => input.initial(epoch, position),
    open(start, signal) {
      const run = input.open(start, signal);
      return {
        async next() {
          const element = await run.next();
          if (element === undefined) return undefined;
          let { value } = element;
          for (const user of users) value = await callUser(user, value, element.origin, signal);
          return { ...element, value };
        },
        close: () => run.close(),
      };
    },
  };
}
