import { invalidArgument } from '../errors.js';
import { isThenable, orAbort } from '../or-abort.js';
import type { Schema } from '../schema/types.js';
import { IdleTurns } from './idle-turns.js';
import { declaredCheck } from './mapped-columns.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';
import { callUser, userFailure, type UserFunction } from './user-function.js';

type Outputs = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * All that a function gives for each record, one after another. Carries over a restart how many outputs of the record
 * under way were given: the function is run on that record again, and those are left out.
 * @param schema that was declared for them
 */
export function flatMap(user: UserFunction, schema: Schema | undefined): OpenStep<unknown, unknown> {
  const check = schema && declaredCheck(schema);
  return (begun) => {
    const { run, after } = begun;
    const { signal } = begun.reading;
    let { before, count: owed } = begun;
    let open: { readonly element: Element; readonly outputs: Outputs } | undefined;
    let isPulling = false;
    let given = 0;
    const idle = new IdleTurns(signal);
    return {
      async next() {
        for (;;) {
          if (open === undefined) {
            const element = await run.next();
            if (element === undefined) return undefined;
            const made = await callUser(user, element.value, element.origin, signal);
            open = { element, outputs: outputsOf(made) };
            given = 0;
          }
          const { element, outputs } = open;
          let step: IteratorResult<unknown>;
          try {
            const pulled = outputs.next();
            isPulling = true;
            step = isThenable(pulled) ? await orAbort(pulled, signal) : pulled;
            isPulling = false;
          } catch (error) {
            if (signal.aborted) throw error;
            throw userFailure('flatMap', element.origin, error);
          }
          if (step.done === true) {
            before = element.after;
            open = undefined;
            owed = 0;
            await idle.next();
            continue;
          }
          given++;
          if (given <= owed) {
            await idle.next();
            continue;
          }
          check?.(step.value, element.origin);
          const origin = { ...element.origin, branch: `${element.origin.branch}:${given - 1}` };
          return { ...element, value: step.value, origin, follow: undefined, after: after(given, before) };
        }
      },
      async close() {
        // What a generator is waiting for may never come: it ends then by itself.
        const returned = open?.outputs.return?.();
        if (isPulling) Promise.resolve(returned).catch(() => undefined);
        else await returned;
      },
    };
  };
}

function outputsOf(made: unknown): Outputs {
  if (typeof made === 'object' && made !== null) {
    if (Symbol.asyncIterator in made) return (made as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in made) return (made as Iterable<unknown>)[Symbol.iterator]();
  }
  throw invalidArgument(`flatMap: the function must give an iterable, such as a list, got ${typeof made}`);
}
