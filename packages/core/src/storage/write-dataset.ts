import { DataRefError } from '../errors.js';
import type { Manifest } from '../format/manifest.js';
import { commitManifest } from './commit.js';
import { alreadyExists, Manifests } from './manifests.js';
import type { RowBlocks } from './row-blocks.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';
import { writeGeneration } from './write-generation.js';

interface WriteOptions extends ProgressOptions {
  /** Asked when all is written: whether to commit. */
  readonly isWanted?: () => Promise<boolean>;
}

/**
 * Writes rows as a new generation and commits it: the manifest last. What fails before leaves nothing visible.
 * @throws DataRefError ALREADY_EXISTS under `ifAbsent`; STORE_FAILED where it is not wanted any more
 */
export function writeDataset(
  parts: StorageParts,
  rows: RowBlocks,
  id: string,
  version: string,
  ifAbsent: boolean,
  { isWanted, ...options }: WriteOptions,
): Promise<Manifest> {
  const { store } = parts;
  return writeGeneration(parts, rows, id, version, options, {
    async publish(manifest, lease) {
      if ((await isWanted?.()) === false) throw notWanted(id, version);
      if (!(await commitManifest(store, manifest, lease, { ifAbsent, signal: options.signal })))
        throw alreadyExists(id, version);
    },
    async isPublished(generation) {
      const current = await new Manifests(store).current(id, version);
      return current === 'unreadable' || (current !== 'none' && current.generation === generation);
    },
  });
}

function notWanted(id: string, version: string): DataRefError {
  return new DataRefError('STORE_FAILED', `${id}@${version}: another writer has taken the turn of this one`, {
    details: { id, version },
  });
}
