import { DataRefError, type NumericDType } from '@dataref/core';
import {
  countOf,
  describeValue,
  didYouMean,
  DTYPES,
  eachAtOnce,
  isNumericDType,
  REQUESTS_AT_ONCE,
  shown,
} from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import type { CodecMetadata } from '../codec/codec.js';
import { jsonBytes, newRevision, readNode, type Node } from '../metadata/array-file.js';
import type { JsonObject } from '../metadata/array-metadata.js';
import { CYCLE, DEFAULT_KEYS, isSameKeys, nextKeys, type ChunkKeys } from '../metadata/chunk-keys.js';
import { checkSizes, sizesOf, type Refuse } from '../metadata/geometry.js';
import { nameOf } from '../names/names.js';
import { noteChange } from './generation.js';

/** What an array is to be. */
export interface ArrayForm {
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly dtype: NumericDType;
  readonly codecs: readonly CodecMetadata[];
  readonly recordAxes?: number | undefined;
  /** Whether it is not to be opened until it is said to be finished. */
  readonly isUnfinished?: boolean | undefined;
  /** What is not written. Default: 0. */
  readonly fill?: number;
  /** What tells it from others of its name. */
  readonly generation: string;
}

const NUMERIC_DTYPES = DTYPES.filter(isNumericDType);

/** Sizes and dtype of a new array. @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkForm(
  options: Readonly<Record<'shape' | 'chunk' | 'dtype', unknown>>,
): Pick<ArrayForm, 'shape' | 'chunk' | 'dtype'> {
  const refuse: Refuse = (field, problem) => {
    throw new DataRefError('INVALID_ARGUMENT', `array: ${field} ${problem}`, { details: { field } });
  };
  const { dtype } = options;
  if (!isNumericDType(dtype))
    return refuse(
      'dtype',
      `must be one of ${NUMERIC_DTYPES.join(', ')}, got ${describeValue(dtype)}${didYouMean(dtype, NUMERIC_DTYPES)}`,
    );
  const shape = sizesOf('shape', options.shape, 0, refuse);
  const chunk = sizesOf('chunk', options.chunk, 1, refuse);
  checkSizes(dtype, ['shape', shape], ['chunk', chunk], refuse);
  return { shape, chunk, dtype };
}

/** Sizes of records are int32. */
const MOST_RECORD_SIZE = 2 ** 31 - 1;

export function checkRecordAxes(recordAxes: number, shape: readonly number[]): void {
  if (shape.length < 2)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `array: recordAxes needs axes beside those of the records, got the shape [${shape.join(', ')}]`,
    );
  countOf('array: recordAxes', recordAxes, 1, shape.length - 1);
  for (const size of shape.slice(recordAxes)) countOf('array: a size of records', size, 0, MOST_RECORD_SIZE);
}

function documentOf(
  { shape, chunk, dtype, codecs, recordAxes, isUnfinished = false, fill = 0, generation }: ArrayForm,
  { name, separator }: ChunkKeys,
): JsonObject {
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: dtype,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name, configuration: { separator } },
    fill_value: dtype === 'bool' ? false : fill,
    codecs,
    attributes: {
      dataref: {
        revision: newRevision(),
        generation,
        ...(recordAxes !== undefined && { recordAxes }),
        ...(isUnfinished && { isUnfinished }),
      },
    },
    storage_transformers: [],
  };
}

/** Where the shapes of an array's records are: beside it, under a name that no array can have. */
export function shapesFolder(folder: string, { name, separator }: ChunkKeys): string {
  const mark = name === 'v2' ? 'c' : separator === '/' ? 'a' : 'b';
  return `${folder.slice(0, -1)}%shapes-${mark}/`;
}

/**
 * Puts a new array in a folder. Its chunks have other keys than those of the one that it replaces, so that its description,
 * written last and at once, is all that tells them apart: nobody sees chunks of one under the description of another.
 * @param prepare writes what belongs to it, before its description
 * @throws DataRefError ALREADY_EXISTS
 */
export async function createArray(
  store: ObjectStore,
  folder: string,
  form: ArrayForm,
  isReplacing: boolean,
  prepare: (keys: ChunkKeys) => Promise<void>,
  options: IoOptions,
): Promise<void> {
  const key = `${folder}zarr.json`;
  for (;;) {
    const left = await objectsOf(store, folder, options);
    const node = await nodeToReplace(store, folder, form, isReplacing, options);
    if (node === 'damaged') continue;
    const keys = node === undefined ? DEFAULT_KEYS : nextKeys(node.metadata.chunkKeys, form.shape.length);
    const isStill = async (): Promise<boolean> =>
      (await readNode(store, folder, options).catch(() => undefined))?.version === node?.version;
    const isLeft = (path: string): boolean => path !== 'zarr.json' && (node === undefined || !isOf(node, path));
    if (!(await removeAll(store, folder, left.filter(isLeft), isStill, options))) continue;
    // Who put this one there may have found it about to be replaced, and left what was before it.
    if (node !== undefined)
      for (const before of CYCLE)
        if (!isSameKeys(before, keys) && !isSameKeys(before, node.metadata.chunkKeys))
          await removeShapes(store, folder, before, isStill, options);
    await prepare(keys);
    const isNew = node === undefined || node.metadata.format === 2;
    const condition = isNew ? { ifAbsent: true } : { ifVersion: node.version };
    const version = await store
      .put(key, jsonBytes(documentOf(form, keys)), { ...condition, ...options })
      .finally(() => noteChange(store, folder));
    if (version === undefined) continue;
    if (node !== undefined) await removeOld(store, folder, node, version, options);
    return;
  }
}

/** The array that is there; an unfinished one gives way to one that begins as such. @throws DataRefError ALREADY_EXISTS */
async function nodeToReplace(
  store: ObjectStore,
  folder: string,
  form: ArrayForm,
  isReplacing: boolean,
  options: IoOptions,
): Promise<(Node & { readonly kind: 'array' }) | 'damaged' | undefined> {
  const refuse = (what: string, cure: string): never => {
    throw new DataRefError(
      'ALREADY_EXISTS',
      `there is ${what} ${JSON.stringify(nameOf(folder) ?? folder)} already; ${cure}`,
      {
        details: { folder },
      },
    );
  };
  try {
    const node = await readNode(store, folder, options);
    if (node?.kind === 'dataset') return refuse('a dataset', 'delete it, or use another name');
    const isOver = node?.metadata.own.isUnfinished === true && form.isUnfinished === true;
    if (node !== undefined && !isReplacing && !isOver)
      return refuse('an array', "open it, use another name, or ifExists: 'replace'");
    return node;
  } catch (error) {
    options.signal?.throwIfAborted();
    const { code } = error as { readonly code?: unknown };
    if (!isReplacing || (code !== 'CORRUPT' && code !== 'UNSUPPORTED')) throw error;
    await store.delete(`${folder}zarr.json`, options);
    await store.delete(`${folder}.zarray`, options);
    return 'damaged';
  }
}

/** What lies in a folder that may be an array's, as paths in it. @throws DataRefError INVALID_ID where other arrays lie in it */
async function objectsOf(store: ObjectStore, folder: string, options: IoOptions): Promise<string[]> {
  const paths: string[] = [];
  for await (const { key } of store.list(folder, options)) {
    const path = key.slice(folder.length);
    if (/.\/(?:zarr\.json|\.zarray|\.zgroup)$/u.test(path)) {
      throw new DataRefError(
        'INVALID_ID',
        `${folder} has others in it, such as ${shown(path)}; an array needs a name of its own`,
        {
          details: { folder },
        },
      );
    }
    if (isArrayPath(path)) paths.push(path);
  }
  return paths;
}

/** Descriptions, and chunks under any keys that there are. */
function isArrayPath(path: string): boolean {
  return /^(?:zarr\.json|\.zarray|\.zattrs|c(?:[./]\d+)*|\d+(?:[./]\d+)*)$/u.test(path);
}

/** Whether a path in an array's folder is its own. */
function isOf({ metadata: { chunkKeys, format } }: Node & { readonly kind: 'array' }, path: string): boolean {
  return chunkKeys.placeOf(path) !== undefined || (format === 2 && (path === '.zarray' || path === '.zattrs'));
}

/** Removes objects as long as nobody has put another array there. @returns whether all are gone */
async function removeAll(
  store: ObjectStore,
  folder: string,
  paths: readonly string[],
  isStill: () => Promise<boolean>,
  options: IoOptions,
): Promise<boolean> {
  for (let at = 0; at < paths.length; at += REQUESTS_AT_ONCE) {
    if (!(await isStill())) return false;
    const some = paths.slice(at, at + REQUESTS_AT_ONCE);
    await eachAtOnce(
      some,
      some.length,
      async (path) => void (await store.delete(`${folder}${path}`, options)),
      options.signal,
    );
  }
  return true;
}

/** Removes what a replaced array has left. */
async function removeOld(
  store: ObjectStore,
  folder: string,
  old: Node & { readonly kind: 'array' },
  version: string,
  options: IoOptions,
): Promise<void> {
  const { chunkKeys, own } = old.metadata;
  const isStill = async (): Promise<boolean> => (await readNode(store, folder, options))?.version === version;
  const paths = (await objectsOf(store, folder, options)).filter((path) => isOf(old, path));
  await removeAll(store, folder, paths, isStill, options);
  if (own.recordAxes !== undefined) await removeShapes(store, folder, chunkKeys, isStill, options);
}

async function removeShapes(
  store: ObjectStore,
  folder: string,
  keys: ChunkKeys,
  isStill: () => Promise<boolean>,
  options: IoOptions,
): Promise<void> {
  if (!(await isStill())) return;
  const shapes = shapesFolder(folder, keys);
  await store.delete(`${shapes}zarr.json`, options);
  noteChange(store, shapes);
  await removeAll(store, shapes, await objectsOf(store, shapes, options), isStill, options);
}

/**
 * Removes an array: its description first, so that nobody opens it any more, then its chunks; also those that another
 * process was killed over.
 * @returns whether there was one
 */
export async function removeArray(store: ObjectStore, folder: string, options: IoOptions): Promise<boolean> {
  const wasThere = await store.delete(`${folder}zarr.json`, options);
  const wasOld = await store.delete(`${folder}.zarray`, options);
  noteChange(store, folder);
  const isStill = async (): Promise<boolean> => (await store.head(`${folder}zarr.json`, options)) === undefined;
  await removeAll(store, folder, await objectsOf(store, folder, options), isStill, options);
  for (const keys of CYCLE) await removeShapes(store, folder, keys, isStill, options);
  return wasThere || wasOld;
}
