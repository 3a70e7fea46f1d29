import { DataRefError, type DataRef, type Field } from '@dataref/core';
import { arrayType, didYouMean, RowDataset, sha256Text } from '@dataref/core/adapter';
import type { StoredArray } from '../array/stored-array.js';
import type { ChunkedArray, SetOptions } from '../array/types.js';
import { metadataErrors } from '../metadata/array-metadata.js';
import type { Index } from '../selection/slice.js';
import type { ArrayValue } from '../values/value.js';
import { ChunkRows, type Component } from './chunk-rows.js';

/** Arrays by component. */
export type Components = Readonly<Record<string, ChunkedArray<any, any>>>;

/** Where each row has its own shape, its sizes are null. */
type LeafOf<A> =
  A extends ChunkedArray<infer D, infer S, infer R>
    ? S extends readonly [number, ...infer Row extends readonly number[]]
      ? Field<D, [R] extends [1] ? { readonly [K in keyof Row]: null } : Row>
      : Field<D>
    : never;

/**
 * Arrays of one length, whose places along the first axis belong together: a DataRef whose records have a value of each,
 * with all of its streams, shuffles, shards and states. An array with `recordAxes: 1` gives rows of their own shapes.
 *
 * While a stream reads, decoded chunks are kept (`cacheBytes` of `openArrays`), so that one is decoded once as long as they
 * fit; where they do not, `shuffleAlgorithm: 'parts'` shuffles within a window of chunks. What is written while a stream
 * reads may be seen or not. A state is refused once an array was replaced, lengthened or cut.
 */
export interface ArrayDataset<C extends Components = Components> extends DataRef<{
  readonly [K in keyof C]: LeafOf<C[K]>;
}> {
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

class StoredDataset extends RowDataset {
  readonly name: string;
  readonly arrays: Readonly<Record<string, StoredArray>>;

  constructor(name: string, arrays: Readonly<Record<string, StoredArray>>, cacheBytes: number) {
    const components = Object.entries(arrays).map(([component, array]) => componentOf(component, array));
    const contents = Object.entries(arrays).map(([component, { dtype, shape, revision, shapes }]) => [
      component,
      dtype,
      shape,
      revision,
      shapes?.revision,
    ]);
    super(new ChunkRows(name, components, sha256Text(JSON.stringify(contents)), cacheBytes));
    this.name = name;
    this.arrays = arrays;
  }

  async set(component: string, selection: readonly Index[], value: ArrayValue, options?: SetOptions) {
    await arrayOf(this.name, this.arrays, component).set(selection, value, options);
  }
}

/** @param cacheBytes of decoded chunks that are kept while a stream reads */
export function arrayDataset<C extends Components>(name: string, arrays: C, cacheBytes: number): ArrayDataset<C> {
  return new StoredDataset(name, arrays as unknown as Record<string, StoredArray>, cacheBytes) as ArrayDataset<any>;
}

function componentOf(name: string, array: StoredArray): Component {
  const { dtype, shape, chunk, shapes } = array;
  const isRagged = array.recordAxes === 1;
  return {
    name,
    dtype,
    shape,
    rowsOfChunk: chunk[0] as number,
    slabBytes: chunk.reduce(
      (bytes, size, d) => bytes * size * (d === 0 ? 1 : Math.ceil((shape[d] as number) / size)),
      arrayType(dtype).BYTES_PER_ELEMENT,
    ),
    isRagged,
    async readRows(start, end, signal) {
      const [data, sizes] = await Promise.all([
        array.readRows(start, end, signal),
        isRagged && shapes !== undefined
          ? shapes.readRows(start, Math.min(end, shapes.shape[0] as number), signal)
          : undefined,
      ]);
      return { data, shapes: sizes };
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

/**
 * What a stored dataset names: lengths may differ while one of them is appended to.
 * @throws DataRefError CORRUPT with the key where there is no array, or one without records
 */
export function checkOpened(key: string, arrays: Components): void {
  const { corrupt } = metadataErrors(key);
  const entries = Object.entries(arrays);
  if (entries.length === 0) corrupt('attributes.dataref.components', 'must name at least one array');
  for (const [component, { shape }] of entries)
    if (shape.length === 0)
      corrupt(
        'attributes.dataref.components',
        `${JSON.stringify(component)} names an array without axes, so without records`,
      );
}
