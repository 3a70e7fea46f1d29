import { DataRefError, type NumericDType } from '@dataref/core';
import { locksOf } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { codecsOf } from '../codec/codecs-of.js';
import { newRevision, readNode } from '../metadata/array-file.js';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { createArray, shapesFolder, type ArrayForm } from './creation.js';
import { UNSET } from './record-shapes.js';
import { generationGone, lookAt } from './generation.js';
import { StoredArray } from './stored-array.js';

/** Places of one chunk of records' shapes, at most. */
const SHAPES_AT_ONCE = 16_384;

/**
 * The array of a name.
 * @param created the generation that was just put there, which may be unfinished
 * @throws DataRefError NOT_FOUND; GENERATION_GONE where another is there than was created; INVALID_ARGUMENT for a dataset;
 *   CORRUPT, UNSUPPORTED
 */
export async function openStored(
  store: ObjectStore,
  name: string,
  folder: string,
  options: IoOptions,
  created?: string,
): Promise<StoredArray> {
  for (;;) {
    const look = lookAt(store, folder);
    const node = await readNode(store, folder, options);
    const generation = node?.kind === 'array' ? node.metadata.own.generation : undefined;
    if (created !== undefined && generation !== created) throw generationGone(name);
    if (node === undefined)
      throw new DataRefError(
        'NOT_FOUND',
        `no array ${JSON.stringify(name)} in ${store.description}; array(name, options) makes one`,
        { details: { name } },
      );
    if (node.kind === 'dataset')
      throw new DataRefError('INVALID_ARGUMENT', `${JSON.stringify(name)} is a dataset; openDataset(name)`, {
        details: { name },
      });
    const { metadata, version } = node;
    if (metadata.own.isUnfinished === true && created === undefined)
      throw new DataRefError(
        'CORRUPT',
        `${JSON.stringify(name)} is not all there: its import is under way, or was killed; import it again, or delete it`,
        { details: { name } },
      );
    try {
      const shapes =
        metadata.own.recordAxes === undefined ? undefined : await openShapes(store, name, folder, metadata, options);
      return new StoredArray(store, name, folder, metadata, shapes, look);
    } catch (error) {
      // Of an array that was replaced meanwhile, the shapes are gone: the next one is there.
      if ((await readNode(store, folder, options))?.version === version) throw error;
    }
  }
}

async function openShapes(
  store: ObjectStore,
  name: string,
  folder: string,
  { shape, chunkKeys, own: { recordAxes = 0 } }: ArrayMetadata,
  options: IoOptions,
): Promise<StoredArray<'int32'>> {
  const place = shapesFolder(folder, chunkKeys);
  const look = lookAt(store, place);
  const node = await readNode(store, place, options);
  const metadata = node?.kind === 'array' ? node.metadata : undefined;
  const isRight =
    metadata?.dtype === 'int32' &&
    metadata.shape.length === recordAxes + 1 &&
    metadata.shape[recordAxes] === shape.length - recordAxes;
  if (!isRight)
    throw new DataRefError(
      'CORRUPT',
      `${place}zarr.json: is no array of the shapes of ${JSON.stringify(name)}'s records`,
      {
        details: { key: `${place}zarr.json`, name },
      },
    );
  return new StoredArray<'int32'>(store, `${name}: shapes`, place, metadata, undefined, look);
}

/**
 * Makes an array, with that of its records' shapes.
 * @throws DataRefError ALREADY_EXISTS; GENERATION_GONE where it was replaced at once
 */
export async function createStored<D extends NumericDType, S extends readonly number[]>(
  store: ObjectStore,
  name: string,
  folder: string,
  asked: Omit<ArrayForm, 'generation'>,
  isReplacing: boolean,
  options: IoOptions,
): Promise<StoredArray<D, S>> {
  const form = { ...asked, generation: newRevision() };
  await locksOf(store).run(folder, () =>
    createArray(
      store,
      folder,
      form,
      isReplacing,
      async (keys) => {
        if (form.recordAxes === undefined) return;
        const shapes = shapesForm(form.shape, form.recordAxes);
        await createArray(store, shapesFolder(folder, keys), shapes, true, async () => undefined, options);
      },
      options,
    ),
  );
  return (await openStored(store, name, folder, options, form.generation)) as unknown as StoredArray<D, S>;
}

function shapesForm(shape: readonly number[], recordAxes: number): ArrayForm {
  const records = shape.slice(0, recordAxes);
  const axes = shape.length - recordAxes;
  const chunk = [axes];
  let room = Math.floor(SHAPES_AT_ONCE / axes);
  for (const size of records.reverse()) {
    chunk.unshift(Math.max(1, chunk.length === recordAxes ? room : Math.min(size, room)));
    room = Math.floor(room / (chunk[0] as number));
  }
  return {
    shape: [...shape.slice(0, recordAxes), axes],
    chunk,
    dtype: 'int32',
    codecs: codecsOf({}, 'int32', chunk),
    fill: UNSET,
    generation: newRevision(),
  };
}
