import { isDataRefError } from '../errors.js';
import { generationsOf } from '../format/part-files.js';
import { encodeShare } from '../format/share.js';
import { sameSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { putWhileHeld } from './commit.js';
import { commitShares, otherSchema, withdrawShare, type SharePlace } from './commit-shares.js';
import { alreadyExists, manifestKey, type Manifests } from './manifests.js';
import { rowBlocks } from './row-blocks.js';
import { otherNumber, Shares } from './shares.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';
import { writeGeneration } from './write-generation.js';

/**
 * Writes one share, in place of what was submitted as it before, and commits the dataset if it is the last.
 * @throws DataRefError ALREADY_EXISTS, SCHEMA_MISMATCH, INVALID_ARGUMENT for a share of another number
 */
export async function writeShare(
  parts: StorageParts,
  manifests: Manifests,
  place: SharePlace,
  data: unknown,
  given: Schema | undefined,
  options: ProgressOptions,
): Promise<void> {
  const { id, version, part, of } = place;
  const { store } = parts;
  const { signal } = options;
  const shares = new Shares(store, id, version);
  await manifests.refuseOtherCase(id, { signal });
  if ((await store.head(manifestKey(id, version), { signal })) !== undefined) throw alreadyExists(id, version);
  const neighbour = await shares.other(place, { signal });
  if (neighbour !== undefined && neighbour.of !== of) throw otherNumber(place, neighbour);
  const rows = await rowBlocks(data, given, signal);
  try {
    const written =
      neighbour &&
      (await shares.read(neighbour, { signal }).catch((error: unknown) => {
        if (isDataRefError(error, 'CORRUPT', 'UNSUPPORTED')) return undefined; // the commit will tell
        throw error;
      }));
    if (written !== undefined && !sameSchema(written.schema, rows.schema))
      throw otherSchema({ ...place, schema: rows.schema }, written);
    const { generation } = await writeGeneration(parts, rows, id, version, options, {
      async publish(manifest, lease) {
        await putWhileHeld(store, shares.key(part, of), encodeShare({ ...manifest, part, of }), lease, { signal });
      },
      async isPublished(mine) {
        const share = await shares.read(place, {}).catch(() => 'unreadable' as const);
        return share === 'unreadable' || share?.generation === mine;
      },
    });
    // Before the manifest: shares that a commit has removed are in it.
    const manifest = (await shares.hasAll(place, { signal }))
      ? await commitShares(parts, manifests, place, signal)
      : await manifests.read(id, version, { signal });
    if (manifest === undefined || generationsOf(manifest).has(generation)) return;
    await withdrawShare(parts, manifests, place, generation);
    throw alreadyExists(id, version);
  } finally {
    await rows.close();
  }
}
