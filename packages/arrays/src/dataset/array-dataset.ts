import { DataRefError } from '@dataref/core';
import { didYouMean } from '@dataref/core/adapter';
import type { ChunkedArray, SetOptions } from '../array/types.js';
import type { Index } from '../selection/slice.js';
import type { ArrayValue } from '../values/value.js';

/** Arrays by component. */
export type Components = Readonly<Record<string, ChunkedArray<any, any>>>;

/** Arrays of one length, whose places along the first axis belong together. */
export interface ArrayDataset<C extends Components = Components> {
  readonly name: string;
  readonly arrays: C;
  /** Records that every component has, as of when it was opened. */
  readonly length: number;
  /**
   * Writes to one component, as `arrays[component].set` does.
   * @throws DataRefError INVALID_ARGUMENT for a component that there is not; else as `set` of the array
   */
  set<K extends keyof C & string>(
    component: K,
    selection: readonly Index[],
    value: ArrayValue<C[K]['dtype']>,
    options?: SetOptions,
  ): Promise<void>;
}

export function arrayDataset<C extends Components>(name: string, arrays: C): ArrayDataset<C> {
  return {
    name,
    arrays,
    get length() {
      return Math.min(...Object.values(arrays).map(({ shape }) => shape[0] as number));
    },
    async set(component, selection, value, options) {
      await arrayOf(name, arrays, component).set(selection, value, options);
    },
  };
}

function arrayOf(name: string, arrays: Components, component: string): ChunkedArray<any, any> {
  const array = Object.hasOwn(arrays, component) ? arrays[component] : undefined;
  if (array !== undefined) return array;
  const names = Object.keys(arrays);
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${name} has no component ${JSON.stringify(component)}; there are ${names.join(', ')}${didYouMean(component, names)}`,
    { details: { component } },
  );
}

/** @throws DataRefError INVALID_ARGUMENT where there is none, one without records, or one of another length */
export function checkComponents(name: string, arrays: Components): void {
  const entries = Object.entries(arrays);
  if (entries.length === 0) throw new DataRefError('INVALID_ARGUMENT', `dataset ${name}: needs at least one component`);
  const shapes = entries
    .map(([component, { shape }]) => `${component} [${(shape as readonly number[]).join(', ')}]`)
    .join(', ');
  const lengths = new Set(entries.map(([, { shape }]) => (shape as readonly number[])[0]));
  if (lengths.size !== 1 || lengths.has(undefined)) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `dataset ${name}: its components need first axes of one length, got ${shapes}`,
      {
        details: { name, shapes: Object.fromEntries(entries.map(([component, { shape }]) => [component, shape])) },
      },
    );
  }
}
