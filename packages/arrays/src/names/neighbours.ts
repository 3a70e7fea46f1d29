import { DataRefError } from '@dataref/core';
import { shown } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { readNode } from '../metadata/array-file.js';
import { ARRAYS_FOLDER, nameOf } from './names.js';

/**
 * Refuses a new name that differs from another by case alone, which would be one on some file systems, and one within an
 * array, which Zarr does not know.
 * @throws DataRefError INVALID_ID
 */
export async function refuseNeighbours(store: ObjectStore, folder: string, options: IoOptions): Promise<void> {
  const parts = folder.slice(0, -1).split('/').slice(1);
  await Promise.all(
    parts.map(async (part, i) => {
      const parent = `${ARRAYS_FOLDER}${parts
        .slice(0, i)
        .map((name) => `${name}/`)
        .join('')}`;
      const other = (await store.listFolders(parent, options)).find(
        (name) => name !== part && name.toLowerCase() === part.toLowerCase(),
      );
      if (other !== undefined) {
        const name = nameOf(`${parent}${other}/`) ?? other;
        throw new DataRefError(
          'INVALID_ID',
          `name: there is "${shown(name)}", which differs by case alone; use that one, or another name`,
        );
      }
      if (i > 0 && (await isArray(store, parent, options)))
        throw new DataRefError(
          'INVALID_ID',
          `name: "${shown(nameOf(parent) ?? parent)}" is an array, which has no others in it; use another name`,
        );
    }),
  );
}

async function isArray(store: ObjectStore, folder: string, options: IoOptions): Promise<boolean> {
  if ((await store.head(`${folder}zarr.json`, options)) === undefined)
    return (await store.head(`${folder}.zarray`, options)) !== undefined;
  return (await readNode(store, folder, options))?.kind === 'array';
}
