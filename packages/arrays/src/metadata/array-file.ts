import { DataRefError } from '@dataref/core';
import { describeValue, locksOf, updateObject } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { metadataErrors, parseArrayV3, parseJson, type ArrayMetadata, type JsonObject } from './array-metadata.js';
import { MOST_METADATA_BYTES } from './limits.js';
import type { OwnAttributes } from './own-attributes.js';
import { parseArrayV2 } from './v2-metadata.js';

/** What is described in a folder. */
export type Node =
  | { readonly kind: 'array'; readonly metadata: ArrayMetadata; readonly version: string }
  | { readonly kind: 'dataset'; readonly document: JsonObject; readonly version: string };

/** What a folder has: of Zarr v3, else of v2. @throws DataRefError CORRUPT, UNSUPPORTED with the key and the field */
export async function readNode(store: ObjectStore, folder: string, options?: IoOptions): Promise<Node | undefined> {
  const key = `${folder}zarr.json`;
  const held = await store.get(key, MOST_METADATA_BYTES, options);
  if (held !== undefined) return parseNode(key, held);
  const array = await store.get(`${folder}.zarray`, MOST_METADATA_BYTES, options);
  if (array === undefined) return undefined;
  const errors = metadataErrors(`${folder}.zarray`);
  return { kind: 'array', metadata: parseArrayV2(parseJson(array.bytes, errors), errors), version: array.version };
}

function parseNode(key: string, { bytes, version }: { readonly bytes: Uint8Array; readonly version: string }): Node {
  const errors = metadataErrors(key);
  const document = parseJson(bytes, errors);
  if (document['node_type'] === 'array') return { kind: 'array', metadata: parseArrayV3(document, errors), version };
  if (document['node_type'] === 'group') return { kind: 'dataset', document, version };
  return errors.corrupt('node_type', `must be "array" or "group", got ${describeValue(document['node_type'])}`);
}

/** An object's bytes: JSON that a person can read. */
export function jsonBytes(document: JsonObject): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}

/** Never the same twice. */
export function newRevision(): string {
  return crypto.randomUUID();
}

/** What may change of an array's description. */
export type ArrayChange = Pick<ArrayMetadata, 'shape' | 'own'>;

/**
 * Changes an array's description where nobody else has changed it meanwhile; else it is asked again, of the newer one.
 * @param change undefined leaves it as it is
 * @returns the description then
 * @throws DataRefError NOT_FOUND where it was deleted; UNSUPPORTED for Zarr v2
 */
export async function changeArray(
  store: ObjectStore,
  folder: string,
  change: (now: ArrayMetadata) => ArrayChange | undefined,
  options?: IoOptions,
): Promise<ArrayMetadata> {
  const key = `${folder}zarr.json`;
  const revision = newRevision();
  let result: ArrayMetadata | undefined;
  const changed = async (held: { readonly bytes: Uint8Array; readonly version: string } | undefined) => {
    const node = held && parseNode(key, held);
    if (node?.kind !== 'array') throw await goneOrOld(store, folder, options);
    result = node.metadata;
    // An attempt whose answer got lost has come to pass.
    const next = node.metadata.own.revision === revision ? undefined : change(node.metadata);
    if (next === undefined) return undefined;
    const document = changedDocument(node.metadata.document, { ...next, own: { ...next.own, revision } });
    result = parseArrayV3(document, metadataErrors(key));
    return jsonBytes(document);
  };
  await locksOf(store).run(key, () => updateObject(store, key, MOST_METADATA_BYTES, changed, options));
  return result as ArrayMetadata;
}

function changedDocument(
  document: JsonObject,
  { shape, own }: { readonly shape: readonly number[]; readonly own: OwnAttributes },
): JsonObject {
  return { ...document, shape, attributes: { ...Object(document['attributes']), dataref: own } };
}

async function goneOrOld(store: ObjectStore, folder: string, options?: IoOptions): Promise<DataRefError> {
  const isOld = (await store.head(`${folder}.zarray`, options)) !== undefined;
  return isOld
    ? new DataRefError(
        'UNSUPPORTED',
        `${folder}.zarray: an array of Zarr v2 keeps its shape here; copy it into a new one`,
      )
    : new DataRefError('NOT_FOUND', `${folder}zarr.json: there is no array any more; it was deleted`);
}
