import type { DataRef } from '../dataset/types.js';
import { invalidArgument } from '../errors.js';
import { describeValue } from '../schema/ndarray.js';
import type { Awaitable } from '../schema/types.js';

type Run = (build: () => Awaitable<DataRef>) => Promise<DataRef>;

/**
 * What makes a function cacheable: called with one, or as a standard decorator of a method. `this` and the arguments
 * are handed on.
 */
export function cacheableFunction(run: Run) {
  return (fn: unknown, context?: unknown): unknown => {
    const { kind = 'method' } = Object(context) as { kind?: unknown };
    if (typeof fn !== 'function' || kind !== 'method') {
      const what = kind === 'method' ? describeValue(fn) : `a ${String(kind)}`;
      throw invalidArgument(`cacheable(id, version) makes a function or a method cacheable, got ${what}`);
    }
    return function cacheable(this: unknown, ...args: unknown[]): Promise<DataRef> {
      return run(() => Reflect.apply(fn, this, args) as Awaitable<DataRef>);
    };
  };
}
