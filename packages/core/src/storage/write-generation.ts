import type { Manifest } from '../format/manifest.js';
import { PartWriter } from '../format/part-writer.js';
import { reporter } from '../progress.js';
import { takeLease, type Lease } from './lease.js';
import { removeGeneration } from './generation-files.js';
import { generationFolder } from './manifests.js';
import type { RowBlocks } from './row-blocks.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';

/** What makes a generation part of something: its manifest, or its share. */
export interface Publication {
  /** Durable and visible when it resolves. @throws DataRefError STORE_FAILED where the lease is lost: then it is not */
  publish(manifest: Manifest, lease: Lease): Promise<void>;
  /** Whether it is published, as far as can be told: asked when `publish` failed. */
  isPublished(generation: string): Promise<boolean>;
}

/** Writes rows as a new generation and publishes it last. What fails before leaves nothing visible. */
export async function writeGeneration(
  parts: StorageParts,
  rows: RowBlocks,
  id: string,
  version: string,
  { signal, onProgress }: ProgressOptions,
  publication: Publication,
): Promise<Manifest> {
  const { store, identity, nonce, leaseTimes } = parts;
  const generation = nonce();
  const folder = generationFolder(id, version, generation);
  const { schema } = rows;
  const report = reporter(onProgress, 'write', rows.total, 'records');
  const lease = await takeLease(store, folder, identity, { times: leaseTimes, mayBlock: rows.mayBlock, signal });
  let isPublishing = false;
  try {
    const writer = new PartWriter(store, folder, schema, { signal });
    let length = 0;
    for await (const block of rows.blocks(report)) {
      await writer.write(block);
      length += block[0]?.length ?? 0;
    }
    const { byteLength, fingerprint } = writer;
    const createdAt = new Date().toISOString();
    const manifest = {
      id,
      version,
      createdAt,
      schema,
      length,
      byteLength,
      fingerprint,
      generation,
      parts: writer.parts,
    };
    signal?.throwIfAborted();
    isPublishing = true;
    await publication.publish(manifest, lease);
    // Committed: a lease that cannot be given up is no failure, it ends with this process.
    await lease.release().catch(() => undefined);
    return manifest;
  } catch (error) {
    // A commit that failed may have come to pass all the same; one that was aborted may yet do so.
    const isOurs = isPublishing && (signal?.aborted === true || (await publication.isPublished(generation)));
    // The failure that brought us here is the one to report; what is left behind, vacuum finds.
    if (!isOurs) await removeGeneration(store, folder).catch(() => undefined);
    await lease.release().catch(() => undefined);
    throw error;
  }
}
