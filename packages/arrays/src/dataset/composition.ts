import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { jsonBytes, newRevision, readNode } from '../metadata/array-file.js';
import { metadataErrors, objectOf, type JsonObject } from '../metadata/array-metadata.js';

/** Names of a dataset's arrays, by component. */
export type Composition = Readonly<Record<string, string>>;

/** Components of a group's `zarr.json`. @throws DataRefError CORRUPT, or INVALID_ARGUMENT for a group that is none of ours */
export function parseComposition(key: string, document: JsonObject): Composition {
  const { corrupt } = metadataErrors(key);
  const { attributes = {} } = document;
  const { dataref } = objectOf('attributes', attributes, corrupt);
  if (dataref === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${key}: is a group of Zarr that names no components; open its arrays one by one`,
    );
  const components = objectOf(
    'attributes.dataref.components',
    objectOf('attributes.dataref', dataref, corrupt)['components'],
    corrupt,
  );
  for (const [component, name] of Object.entries(components))
    if (typeof name !== 'string')
      corrupt(
        'attributes.dataref.components',
        `${JSON.stringify(component)} must name an array, got ${describeValue(name)}`,
      );
  return components as Composition;
}

/**
 * Writes which arrays a dataset has, as attributes of a Zarr group.
 * @throws DataRefError ALREADY_EXISTS for another composition, unless it is to be replaced, and for an array
 */
export async function writeComposition(
  store: ObjectStore,
  folder: string,
  name: string,
  composition: Composition,
  isReplacing: boolean,
  options: IoOptions,
): Promise<void> {
  const key = `${folder}zarr.json`;
  for (;;) {
    const node = await readNode(store, folder, options);
    if (node?.kind === 'array') throw alreadyExists(name, 'an array', 'delete it, or use another name');
    const { attributes = {} } = node?.document ?? {};
    const isOurs = node !== undefined && 'dataref' in Object(attributes);
    if (isOurs && isSame(parseComposition(key, node.document), composition)) return;
    if (isOurs && !isReplacing)
      throw alreadyExists(name, 'a dataset of other components', "open it, use another name, or ifExists: 'replace'");
    const document = {
      zarr_format: 3,
      node_type: 'group',
      ...node?.document,
      attributes: { ...(attributes as JsonObject), dataref: { components: composition, revision: newRevision() } },
    };
    const condition = node === undefined ? { ifAbsent: true } : { ifVersion: node.version };
    if ((await store.put(key, jsonBytes(document), { ...condition, ...options })) !== undefined) return;
  }
}

function isSame(a: Composition, b: Composition): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function alreadyExists(name: string, what: string, cure: string): DataRefError {
  return new DataRefError('ALREADY_EXISTS', `there is ${what} ${JSON.stringify(name)} already; ${cure}`, {
    details: { name },
  });
}
