import { invalidArgument } from '../errors.js';
import { isThenable, orAbort } from '../or-abort.js';
import type { Schema } from '../schema/types.js';
import { stepAfter, stepStart, stepStates, type Element, type Stage } from './stage.js';
import { callUser, userFailure } from './user-function.js';
import type { MapContext } from './types.js';

type Outputs = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * All that `fn` gives for each record, one after another. Carries over a restart how many outputs of the record under
 * way were given: `fn` is run on that record again, and those are left out.
 */
export function flatMapStage(
  input: Stage,
  fn: (record: any, context: MapContext) => unknown,
  name: string,
  schema: Schema | undefined,
): Stage {
  const user = { what: 'flatMap', fn, step: input.functions };
  return {
    unit: input.unit,
    schema,
    functions: input.functions + 1,
    ...stepStates({ name, input }),
    open(start, signal) {
      const begun = stepStart(start, name);
      const run = input.open(begun.input, signal);
      let before = input.locate(begun.input).node;
      let open: { readonly element: Element; readonly outputs: Outputs } | undefined;
      let isPulling = false;
      let given = 0;
      let owed = begun.count;
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
              continue;
            }
            given++;
            if (given <= owed) continue;
            const origin = { ...element.origin, branch: `${element.origin.branch}:${given - 1}` };
            return { ...element, value: step.value, origin, follow: undefined, after: stepAfter(name, given, before) };
          }
        },
        async close() {
          // What a generator is waiting for may never come: it ends then by itself.
          try {
            const returned = open?.outputs.return?.();
            if (isPulling) Promise.resolve(returned).catch(() => undefined);
            else await returned;
          } finally {
            await run.close();
          }
        },
      };
    },
  };
}

function outputsOf(made: unknown): Outputs {
  if (typeof made === 'object' && made !== null) {
    if (Symbol.asyncIterator in made) return (made as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in made) return (made as Iterable<unknown>)[Symbol.iterator]();
  }
  throw invalidArgument(`flatMap: the function must give an iterable, such as a list, got ${typeof made}`);
}
