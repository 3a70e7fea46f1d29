import { isDataRefError } from '@dataref/core';
import { inOrder, orAbort, REQUESTS_AT_ONCE } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { readNode, type Node } from '../metadata/array-file.js';
import { ARRAYS_FOLDER, nameOf } from './names.js';

/** What has a name. */
export interface NodeInfo {
  readonly name: string;
  readonly kind: 'array' | 'dataset';
}

type Found = { readonly kind: 'array' } | Extract<Node, { kind: 'dataset' }>;

/** Arrays and datasets by name, in order. Chunks are not listed. */
export async function* nodesBelow(
  store: ObjectStore,
  options: IoOptions,
  folder = ARRAYS_FOLDER,
): AsyncGenerator<NodeInfo> {
  const parts = await orAbort(store.listFolders(folder, options), options.signal);
  const folders = [...new Set(parts)]
    .sort()
    .map((part) => `${folder}${part}/`)
    .filter((below) => nameOf(below) !== undefined);
  let at = 0;
  const read = async (below: string): Promise<Found | undefined> => {
    try {
      return await orAbort(readNode(store, below, options), options.signal);
    } catch (error) {
      if (isDataRefError(error, 'UNSUPPORTED')) return { kind: 'array' }; // of texts, for example, by Python
      throw error;
    }
  };
  for await (const node of inOrder(folders, REQUESTS_AT_ONCE, read)) {
    const below = folders[at++] as string;
    const name = nameOf(below) as string;
    if (node?.kind === 'array') yield { name, kind: 'array' };
    // Other groups of Zarr are folders, and no datasets of ours.
    else if (node !== undefined && 'dataref' in Object(node.document['attributes'])) yield { name, kind: 'dataset' };
    if (node?.kind !== 'array') yield* nodesBelow(store, options, below);
  }
}
