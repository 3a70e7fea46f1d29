import { DataRefError } from '../errors.js';
import type { Manifest } from '../format/manifest.js';
import { reporter } from '../progress.js';
import { waits } from './commit-claim.js';
import { commitShares, type SharePlace } from './commit-shares.js';
import type { Manifests } from './manifests.js';
import { Shares } from './shares.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';

/**
 * Waits for all shares of a dataset, and commits them where nobody else does.
 * @param hasSubmitted whether the share of this place was there
 * @throws DataRefError NOT_FOUND where that share was removed meanwhile
 */
export async function wholeDataset(
  parts: StorageParts,
  manifests: Manifests,
  place: SharePlace,
  hasSubmitted: boolean,
  { signal, onProgress }: ProgressOptions,
): Promise<Manifest> {
  const { id, version, part, of } = place;
  const shares = new Shares(parts.store, id, version);
  const report = reporter(onProgress, 'wait', of, 'parts');
  const wait = waits(signal);
  for (;;) {
    // Before the manifest: shares that a commit has removed are in it.
    const found = await shares.list({ signal });
    const committed = await manifests.read(id, version, { signal });
    if (committed !== undefined) return committed;
    const ours = found.filter((share) => share.of === of);
    report(ours.length);
    if (ours.length === of) {
      // The one that should have committed may be dead.
      const manifest = await commitShares(parts, manifests, place, signal);
      if (manifest !== undefined) return manifest;
    } else if (hasSubmitted && !ours.some((share) => share.part === part)) {
      throw new DataRefError(
        'NOT_FOUND',
        `share ${part} of ${of} of ${id}@${version} is not there any more, and no dataset: a delete or a vacuum has removed it; submit it again`,
        { details: { id, version, part, of } },
      );
    }
    await wait();
  }
}
