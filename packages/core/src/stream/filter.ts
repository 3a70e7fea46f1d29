import { IdleTurns } from './idle-turns.js';
import type { OpenStep } from './step-stage.js';
import { callUser, type UserFunction } from './user-function.js';

/** The records for which a function says true. Carries nothing over a restart. */
export function filter(user: UserFunction): OpenStep<unknown, unknown> {
  return ({ run, reading: { signal }, after }) => {
    const idle = new IdleTurns(signal);
    return {
      async next() {
        for (;;) {
          const element = await run.next();
          if (element === undefined) return undefined;
          if (await callUser(user, element.value, element.origin, signal))
            return { ...element, follow: undefined, after: after(0, element.after) };
          await idle.next();
        }
      },
    };
  };
}
