import { DataRefError, isDataRefError, type NumericDType, type Storage } from '@dataref/core';
import {
  countOf,
  describeValue,
  endedByAbort,
  ioOptionsOf,
  locksOf,
  oneOf,
  optionsOf,
  refuseUnknown,
  storeOf,
} from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { checkForm, checkRecordAxes, removeArray } from './array/creation.js';
import { createStored, openStored } from './array/opening.js';
import { StoredArray } from './array/stored-array.js';
import type { ArrayOptions, ChunkedArray } from './array/types.js';
import { codecsOf } from './codec/codecs-of.js';
import {
  arrayDataset,
  checkComponents,
  checkOpened,
  type ArrayDataset,
  type Components,
} from './dataset/array-dataset.js';
import { parseComposition, writeComposition, type Composition } from './dataset/composition.js';
import { nodesBelow, type NodeInfo } from './names/listing.js';
import { folderOf } from './names/names.js';
import { refuseNeighbours } from './names/neighbours.js';
import { readNode } from './metadata/array-file.js';

export interface OpenArraysOptions {
  /** Bytes of decoded chunks that each dataset keeps while its streams read; 256 MiB by default. */
  readonly cacheBytes?: number | undefined;
}
const CACHE_BYTES = 256 * 2 ** 20;

export interface DatasetOptions extends IoOptions {
  /** What becomes of a dataset of other components that has the name. `'error'` (default) leaves it as it is. */
  readonly ifExists?: 'error' | 'replace' | undefined;
}

/** What a dataset is made of: arrays of the same storage, or their names. */
export type ComponentsGiven = Readonly<Record<string, ChunkedArray<any, any> | string>>;
export type Opened<C extends ComponentsGiven> = {
  readonly [K in keyof C]: C[K] extends ChunkedArray<any, any> ? C[K] : ChunkedArray;
};

/**
 * Chunked arrays of a storage, and datasets of them, by name. A name has parts between slashes, such as
 * `mnist/train:images`, and at most 255 characters; names that differ by case alone, and names within an array's, are refused.
 */
export interface Arrays {
  /**
   * Makes an array in which all is 0. It is one of Zarr v3, in `arrays%/<name>` of the storage, and takes no space until it is
   * written to.
   * @throws DataRefError ALREADY_EXISTS unless it is to be replaced; GENERATION_GONE where another one replaces it at once,
   *   before it is returned; INVALID_ID for the name; INVALID_ARGUMENT names the option; UNSUPPORTED where the storage is
   *   read only; STORE_FAILED, TIMEOUT
   */
  array<D extends NumericDType, const S extends readonly number[], const R extends number | undefined = undefined>(
    name: string,
    options: ArrayOptions<D, S, R>,
  ): Promise<ChunkedArray<D, S, R>>;
  /**
   * An array that is there, of Zarr v3 or v2. With shards it can be read only.
   * @throws DataRefError NOT_FOUND, INVALID_ID; INVALID_ARGUMENT for a dataset; CORRUPT, UNSUPPORTED with the key and the
   *   field; STORE_FAILED, TIMEOUT
   */
  openArray(name: string, options?: IoOptions): Promise<ChunkedArray>;
  /**
   * Makes a dataset of arrays whose first axes have one length. Where it is there with these components, that one is opened.
   * @throws DataRefError ALREADY_EXISTS; INVALID_ID for the name; INVALID_ARGUMENT for its components; NOT_FOUND, CORRUPT,
   *   UNSUPPORTED for arrays that are named; UNSUPPORTED where the storage is read only; STORE_FAILED, TIMEOUT
   */
  dataset<const C extends ComponentsGiven>(
    name: string,
    components: C,
    options?: DatasetOptions,
  ): Promise<ArrayDataset<Opened<C>>>;
  /**
   * A dataset that is there, with its arrays opened.
   * @throws DataRefError NOT_FOUND, also for one of its arrays; INVALID_ID; INVALID_ARGUMENT for an array, and a group of
   *   Zarr that is no dataset; CORRUPT, UNSUPPORTED, STORE_FAILED, TIMEOUT
   */
  openDataset(name: string, options?: IoOptions): Promise<ArrayDataset>;
  /** Whether there is an array or a dataset of that name. @throws DataRefError INVALID_ID, STORE_FAILED, TIMEOUT */
  has(name: string, options?: IoOptions): Promise<boolean>;
  /**
   * Names of all arrays and datasets, and which they are, in order; also of arrays that are UNSUPPORTED here.
   * @throws DataRefError CORRUPT; UNSUPPORTED where the storage cannot list; STORE_FAILED, TIMEOUT
   */
  list(options?: IoOptions): AsyncIterable<NodeInfo>;
  /**
   * Removes an array; of a dataset, what joins its arrays, which stay.
   * @returns false where there is none
   * @throws DataRefError INVALID_ID; UNSUPPORTED where the storage is read only; STORE_FAILED, TIMEOUT
   */
  delete(name: string, options?: IoOptions): Promise<boolean>;
}

/**
 * Arrays beside the datasets of a storage. Nothing is read or written yet.
 * @throws DataRefError INVALID_ARGUMENT for what is no storage of ours
 */
export function openArrays(storage: Storage, options: OpenArraysOptions = {}): Arrays {
  const { cacheBytes = CACHE_BYTES, ...unknown } = optionsOf('openArrays', options);
  refuseUnknown('openArrays', unknown, ['cacheBytes']);
  return new StoredArrays(storeOf('openArrays', storage), countOf('openArrays: cacheBytes', cacheBytes, 0));
}

/** Arrays in a store. */
export class StoredArrays implements Arrays {
  readonly #store: ObjectStore;
  readonly #cacheBytes: number;

  constructor(store: ObjectStore, cacheBytes: number) {
    this.#store = store;
    this.#cacheBytes = cacheBytes;
  }

  async array<
    D extends NumericDType,
    const S extends readonly number[],
    const R extends number | undefined = undefined,
  >(name: string, options: ArrayOptions<D, S, R>): Promise<ChunkedArray<D, S, R>> {
    return this.#make(name, options, false) as Promise<ChunkedArray<any, any, any>>;
  }

  /**
   * Makes an array that nobody opens before `fill` is done; where that fails, it is removed again. It takes the place of one
   * whose `fill` was killed.
   */
  async filledArray(
    name: string,
    options: ArrayOptions<NumericDType, readonly number[]>,
    fill: (array: ChunkedArray) => Promise<void>,
  ): Promise<ChunkedArray> {
    const array = await this.#make(name, options, true);
    try {
      await fill(array);
      await array.finish({ signal: options.signal });
    } catch (error) {
      // Another one's is not ours to remove.
      if (!isDataRefError(error, 'GENERATION_GONE')) await this.delete(name).catch(() => undefined);
      throw error;
    }
    return array;
  }

  async #make(
    name: string,
    options: ArrayOptions<NumericDType, readonly number[]>,
    isUnfinished: boolean,
  ): Promise<StoredArray> {
    const folder = folderOf(name);
    const { signal, shape, chunk, dtype, ifExists = 'error', recordAxes, ...rest } = ioOptionsOf('array', options);
    const { compress, compressLevel, checksum, ...unknown } = rest;
    refuseUnknown('array', unknown, KNOWN);
    oneOf('array: ifExists', ifExists, ['error', 'replace']);
    const form = checkForm({ shape, chunk, dtype });
    if (recordAxes !== undefined) checkRecordAxes(recordAxes, form.shape);
    const codecs = codecsOf({ compress, compressLevel, checksum }, form.dtype, form.chunk);
    return endedByAbort(signal, async () => {
      await refuseNeighbours(this.#store, folder, { signal });
      const whole = { ...form, codecs, recordAxes, isUnfinished };
      return createStored(this.#store, name, folder, whole, ifExists === 'replace', { signal });
    });
  }

  async openArray(name: string, options: IoOptions = {}): Promise<ChunkedArray> {
    const { signal } = optionsIn('openArray', options);
    const folder = folderOf(name);
    return endedByAbort(signal, () => openStored(this.#store, name, folder, { signal }));
  }

  async dataset<const C extends ComponentsGiven>(
    name: string,
    components: C,
    options: DatasetOptions = {},
  ): Promise<ArrayDataset<Opened<C>>> {
    const { signal, ifExists = 'error', ...unknown } = ioOptionsOf('dataset', options);
    refuseUnknown('dataset', unknown, ['signal', 'ifExists']);
    oneOf('dataset: ifExists', ifExists, ['error', 'replace']);
    const folder = folderOf(name);
    return endedByAbort(signal, async () => {
      const arrays = await this.#open(components, { signal });
      checkComponents(name, arrays);
      const composition: Composition = Object.fromEntries(
        Object.entries(arrays).map(([component, array]) => [component, array.name]),
      );
      await refuseNeighbours(this.#store, folder, { signal });
      await writeComposition(this.#store, folder, name, composition, ifExists === 'replace', { signal });
      return arrayDataset(name, arrays as Opened<C>, this.#cacheBytes);
    });
  }

  async openDataset(name: string, options: IoOptions = {}): Promise<ArrayDataset> {
    const { signal } = optionsIn('openDataset', options);
    const folder = folderOf(name);
    return endedByAbort(signal, async () => {
      const node = await readNode(this.#store, folder, { signal });
      const told = JSON.stringify(name);
      if (node === undefined)
        throw new DataRefError(
          'NOT_FOUND',
          `no dataset ${told} in ${this.#store.description}; dataset(name, components) makes one`,
          { details: { name } },
        );
      if (node.kind === 'array') throw new DataRefError('INVALID_ARGUMENT', `${told} is an array; openArray(name)`);
      const key = `${folder}zarr.json`;
      const arrays = await this.#open(parseComposition(key, node.document), { signal });
      checkOpened(key, arrays);
      return arrayDataset(name, arrays, this.#cacheBytes);
    });
  }

  async has(name: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = optionsIn('has', options);
    const folder = folderOf(name);
    return endedByAbort(signal, async () => {
      if ((await this.#store.head(`${folder}zarr.json`, { signal })) !== undefined) return true;
      return (await this.#store.head(`${folder}.zarray`, { signal })) !== undefined;
    });
  }

  list(options: IoOptions = {}): AsyncIterable<NodeInfo> {
    return nodesBelow(this.#store, optionsIn('list', options));
  }

  async delete(name: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = optionsIn('delete', options);
    const folder = folderOf(name);
    return endedByAbort(signal, async () => {
      const node = await readNode(this.#store, folder, { signal }).catch((error: unknown) => {
        if (isDataRefError(error, 'CORRUPT') || isDataRefError(error, 'UNSUPPORTED')) return undefined; // goes all the same
        throw error;
      });
      if (node?.kind === 'dataset') return this.#store.delete(`${folder}zarr.json`, { signal });
      return locksOf(this.#store).run(folder, () => removeArray(this.#store, folder, { signal }));
    });
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Arrays of ${this.#store.description}`;
  }

  /** The arrays of components, those that are named opened. */
  async #open(components: unknown, options: IoOptions): Promise<Components> {
    if (typeof components !== 'object' || components === null || Array.isArray(components))
      throw new DataRefError(
        'INVALID_ARGUMENT',
        'dataset: components must be an object of arrays or their names, by component',
      );
    const opened = await Promise.all(
      Object.entries(components).map(async ([component, given]: [string, unknown]) => {
        if (typeof given === 'string')
          return [component, await openStored(this.#store, given, folderOf(given), options)];
        if (given instanceof StoredArray && given.isIn(this.#store)) return [component, given];
        const what =
          given instanceof StoredArray
            ? 'one of another: give its name where that is the same place, else copy it'
            : describeValue(given);
        const cure = given instanceof Promise ? ': await it' : '';
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `dataset: ${component} must be an array of the same storage, or its name, got ${what}${cure}`,
        );
      }),
    );
    return Object.fromEntries(opened) as Components;
  }
}

const KNOWN = [
  'shape',
  'chunk',
  'dtype',
  'compress',
  'compressLevel',
  'checksum',
  'ifExists',
  'recordAxes',
  'signal',
] as const;

function optionsIn(what: string, options: IoOptions): IoOptions {
  const { signal, ...unknown } = ioOptionsOf(what, options);
  refuseUnknown(what, unknown, ['signal']);
  return { signal };
}
