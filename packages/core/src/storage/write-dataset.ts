import { encodeManifest, type Manifest } from '../format/manifest.js';
import { alreadyExists, manifestKey, Manifests } from './manifests.js';
import type { RowBlocks } from './row-blocks.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';
import { writeGeneration } from './write-generation.js';

/**
 * Writes rows as a new generation and commits it: the manifest last. What fails before leaves nothing visible.
 * @throws DataRefError ALREADY_EXISTS under `ifAbsent`
 */
export function writeDataset(
  parts: StorageParts,
  rows: RowBlocks,
  id: string,
  version: string,
  ifAbsent: boolean,
  options: ProgressOptions,
): Promise<Manifest> {
  const { store } = parts;
  return writeGeneration(parts, rows, id, version, options, {
    async publish(manifest) {
      const written = await store.put(manifestKey(id, version), encodeManifest(manifest), { ifAbsent });
      if (written === undefined) throw alreadyExists(id, version);
    },
    async isPublished(generation) {
      const current = await new Manifests(store).current(id, version);
      return current === 'unreadable' || (current !== 'none' && current.generation === generation);
    },
  });
}
