import { DataRefError } from '../errors.js';
import { encodeManifest, type Manifest } from '../format/manifest.js';
import { PartWriter } from '../format/part-writer.js';
import { reporter } from '../progress.js';
import type { ObjectStore } from '../store/object-store.js';
import { takeLease } from './lease.js';
import { alreadyExists, generationFolder, manifestKey, Manifests } from './manifests.js';
import type { RowBlocks } from './row-blocks.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';

interface WriteOptions extends ProgressOptions {
  /** Asked when all is written: whether to commit. */
  readonly isWanted?: () => Promise<boolean>;
}

/**
 * Writes rows as a new generation and commits it: the manifest last. What fails before leaves nothing visible.
 * @throws DataRefError ALREADY_EXISTS under `ifAbsent`; STORE_FAILED where it is not wanted any more
 */
export async function writeDataset(
  parts: StorageParts,
  rows: RowBlocks,
  id: string,
  version: string,
  ifAbsent: boolean,
  { signal, onProgress, isWanted }: WriteOptions,
): Promise<Manifest> {
  const { store, identity, nonce, leaseTimes } = parts;
  const generation = nonce();
  const folder = generationFolder(id, version, generation);
  const { schema } = rows;
  const report = reporter(onProgress, 'write', rows.total, 'records');
  const lease = await takeLease(store, folder, identity, { times: leaseTimes, mayBlock: rows.mayBlock });
  let isCommitting = false;
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
    await lease.check();
    if ((await isWanted?.()) === false) throw notWanted(id, version);
    signal?.throwIfAborted();
    isCommitting = true;
    const written = await store.put(manifestKey(id, version), encodeManifest(manifest), { ifAbsent });
    if (written === undefined) throw alreadyExists(id, version);
    // Committed: a lease that cannot be given up is no failure, it ends with this process.
    await lease.release().catch(() => undefined);
    return manifest;
  } catch (error) {
    // A commit that failed may have come to pass all the same.
    const current = isCommitting ? await new Manifests(store).current(id, version) : 'none';
    const isOurs = current === 'unreadable' || (current !== 'none' && current.generation === generation);
    // The failure that brought us here is the one to report; what is left behind, vacuum finds.
    if (!isOurs) await removeAll(store, folder).catch(() => undefined);
    await lease.release().catch(() => undefined);
    throw error;
  }
}

function notWanted(id: string, version: string): DataRefError {
  return new DataRefError('STORE_FAILED', `${id}@${version}: another writer has taken the turn of this one`, {
    details: { id, version },
  });
}

async function removeAll(store: ObjectStore, folder: string): Promise<void> {
  for await (const { key } of store.list(folder)) await store.delete(key);
}
