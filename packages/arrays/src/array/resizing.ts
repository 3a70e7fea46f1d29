import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { countOf, eachAtOnce, REQUESTS_AT_ONCE } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import type { StoredChunks } from '../chunks/stored-chunks.js';
import { changeArray } from '../metadata/array-file.js';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { checkSizes, sizesOf, type Refuse } from '../metadata/geometry.js';
import type { Generation } from '../array/generation.js';
import { cStrides } from '../selection/grid.js';
import { copyStrided } from '../selection/strided.js';

type Sizes = readonly number[];

const refuseIn =
  (what: string): Refuse =>
  (field, problem) => {
    throw new DataRefError('INVALID_ARGUMENT', `${what}: ${field} ${problem}`, { details: { field } });
  };

/** The shape that a call asks for. @throws DataRefError INVALID_ARGUMENT */
export function newShape(what: string, asked: unknown, { shape, chunk, dtype }: ArrayMetadata): Sizes {
  const refuse = refuseIn(what);
  if (typeof asked === 'number' && shape.length === 0) refuse('shape', 'of an array without axes is []');
  const sizes =
    typeof asked === 'number'
      ? [countOf(`${what}: length`, asked, 0), ...shape.slice(1)]
      : sizesOf('shape', asked, 0, refuse);
  if (sizes.length !== shape.length)
    refuse('shape', `[${sizes.join(', ')}] must have as many axes as before, [${shape.join(', ')}]`);
  checkSizes(dtype, ['shape', sizes], ['chunk', chunk], refuse);
  return sizes;
}

/** A first axis of so many places more. */
export function lengthenedBy(dtype: NumericDType, count: number): (shape: Sizes) => Sizes {
  return (shape) => {
    const [length = 0, ...rest] = shape;
    const longer = [length + count, ...rest];
    checkSizes(dtype, ['the shape', longer], ['chunk', longer.map(() => 1)], refuseIn('append'));
    return longer;
  };
}

export function atLeast(length: number): (shape: Sizes) => Sizes {
  return ([now = 0, ...rest]) => [Math.max(now, length), ...rest];
}

/**
 * Gives an array another shape. What is cut off is noted before it is removed, so that no array grows over what a process
 * that was killed has left.
 * @param generation of the array that is to be there still
 * @param shapeOf the new one, of the one that is there; asked again where another writer was faster
 */
export async function reshape<D extends NumericDType>(
  store: ObjectStore,
  folder: string,
  generation: Generation,
  chunks: StoredChunks<D>,
  shapeOf: (shape: Sizes) => Sizes,
  options: IoOptions,
): Promise<ArrayMetadata> {
  for (;;) {
    let isBlocked = false;
    const metadata = await changeArray(
      store,
      folder,
      (held) => {
        if (!generation.isOf(held)) throw generation.gone();
        const { shape: now, own } = held;
        const shape = shapeOf(now);
        const isCut = shape.some((size, d) => size < (now[d] as number));
        const isGrown = shape.some((size, d) => size > (now[d] as number));
        isBlocked = own.uncleared !== undefined && isGrown;
        if (isBlocked || (!isCut && !isGrown)) return undefined;
        return { shape, own: isCut ? { ...own, uncleared: largest(now, own.uncleared ?? now) } : own };
      },
      options,
    );
    const cleared =
      metadata.own.uncleared === undefined ? metadata : await clear(store, folder, chunks, metadata, options);
    if (!isBlocked) return cleared;
  }
}

function largest(a: Sizes, b: Sizes): Sizes {
  return a.map((size, d) => Math.max(size, b[d] as number));
}

/** Removes what lies beyond the shape, and the note of it where nobody has resized the array meanwhile. */
async function clear<D extends NumericDType>(
  store: ObjectStore,
  folder: string,
  chunks: StoredChunks<D>,
  metadata: ArrayMetadata,
  options: IoOptions,
): Promise<ArrayMetadata> {
  const { shape, chunk, fill } = metadata;
  const begin = (place: Sizes, d: number): number => (place[d] as number) * (chunk[d] as number);
  const places: number[][] = [];
  for await (const place of chunks.places(options))
    if (shape.some((size, d) => begin(place, d) + (chunk[d] as number) > size)) places.push(place);
  await eachAtOnce(
    places,
    REQUESTS_AT_ONCE,
    async (place) => {
      const kept = shape.map((size, d) => size - begin(place, d));
      if (kept.some((count) => count <= 0)) await chunks.remove(place, options);
      else await chunks.update(place, (values) => values && emptied(values, chunk, kept, fill), options);
    },
    options.signal,
  );
  return changeArray(
    store,
    folder,
    ({ shape: now, own }) => {
      const { uncleared: _, ...rest } = own;
      return own.revision === metadata.own.revision ? { shape: now, own: rest } : undefined;
    },
    options,
  );
}

/** A chunk of which so many places along each axis keep their values. */
function emptied<D extends NumericDType>(
  values: ArrayTypes[D],
  chunk: Sizes,
  kept: Sizes,
  fill: number | bigint,
): ArrayTypes[D] {
  const data = values.slice() as ArrayTypes[D];
  const one = values.slice(0, 1).fill(fill as never) as ArrayTypes[D];
  const strides = cStrides(chunk);
  const none = chunk.map(() => 0);
  kept.forEach((count, d) => {
    const size = chunk[d] as number;
    if (count >= size) return;
    const counts = chunk.map((n, axis) => (axis === d ? size - count : n));
    copyStrided(
      { data: one, offset: 0, strides: none },
      { data, offset: count * (strides[d] as number), strides },
      counts,
    );
  });
  return data;
}
