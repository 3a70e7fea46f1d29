import { IdleTurns } from './idle-turns.js';
import { stepAfter, stepStart, stepStates, type Stage } from './stage.js';
import { callUser } from './user-function.js';
import type { MapContext } from './types.js';

/** The records for which `fn` says true. Carries nothing over a restart. */
export function filterStage(input: Stage, fn: (record: any, context: MapContext) => unknown, name: string): Stage {
  const user = { what: 'filter', fn, step: input.functions };
  return {
    unit: input.unit,
    get schema() {
      return input.schema;
    },
    functions: input.functions + 1,
    ...stepStates({ name, input }),
    open(start, signal) {
      const idle = new IdleTurns(signal);
      const run = input.open(stepStart(start, name).input, signal);
      return {
        async next() {
          for (;;) {
            const element = await run.next();
            if (element === undefined) return undefined;
            if (!(await callUser(user, element.value, element.origin, signal))) {
              await idle.next();
              continue;
            }
            return { ...element, follow: undefined, after: stepAfter(name, 0, element.after) };
          }
        },
        close: () => run.close(),
      };
    },
  };
}
