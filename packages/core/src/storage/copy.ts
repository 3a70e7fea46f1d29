import { sha256Text } from '../checksum/fingerprint.js';
import { DataRefError, isDataRefError } from '../errors.js';
import { checkArrowMetadata, metadataBytes } from '../format/arrow-metadata.js';
import type { Manifest, PartInfo } from '../format/manifest.js';
import { generationsOf, partFiles, type PartFile } from '../format/part-files.js';
import { partName } from '../format/part-name.js';
import { reporter } from '../progress.js';
import { eachAtOnce, REQUESTS_AT_ONCE } from './at-once.js';
import { claim, type Claim } from './claim.js';
import { commitManifest } from './commit.js';
import { copyFile, type Beginning } from './copy-file.js';
import { generationFiles, removeGeneration } from './generation-files.js';
import { leaseKey, readLease } from './lease-record.js';
import { LeaseWatch } from './lease-watch.js';
import { dataFolder, generationFolder, Manifests } from './manifests.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';
import { isGeneration } from './vacuum.js';

/** Files on their way at once, each with two slices in memory. */
const FILES_AT_ONCE = 4;

/**
 * Copies a dataset file by file, each compared with its checksum on the way, the manifest last. What an earlier copy of
 * the same files has left there is gone on with.
 * @throws DataRefError NOT_FOUND, CORRUPT where the source is damaged, and all that writing throws
 */
export async function copyDataset(
  source: StorageParts,
  target: StorageParts,
  id: string,
  version: string,
  options: ProgressOptions,
): Promise<Manifest> {
  const { signal } = options;
  const manifests = new Manifests(source.store);
  await new Manifests(target.store).refuseOtherCase(id, { signal });
  for (let manifest = await manifests.require(id, version, { signal }); ;) {
    try {
      return await copyGeneration(source, target, manifest, options);
    } catch (error) {
      if (!isDataRefError(error, 'GENERATION_GONE')) throw error;
      const now = await manifests.require(id, version, { signal });
      if (now.generation === manifest.generation)
        throw new DataRefError('CORRUPT', `${error.message}; submit the dataset again`, { details: error.details });
      manifest = now; // it was replaced meanwhile: anew
    }
  }
}

async function copyGeneration(
  source: StorageParts,
  target: StorageParts,
  manifest: Manifest,
  options: ProgressOptions,
): Promise<Manifest> {
  const { signal, onProgress } = options;
  const { id, version } = manifest;
  const content = contentOf(manifest);
  const there = await currentAt(target, id, version, signal);
  if (there !== undefined && contentOf(there) === content && (await hasFiles(target, there, signal))) return there;
  const { generation, lease } = await claimGeneration(target, id, version, content, options);
  const folder = generationFolder(id, version, generation);
  const files = partFiles(manifest);
  const report = reporter(
    onProgress,
    'copy',
    files.reduce((sum, { byteLength }) => sum + byteLength, 0),
    'bytes',
  );
  let isCommitting = false;
  try {
    // A file is under its key only once all of it had the right checksum, and is durable: then its size is proof enough.
    const whole = new Map((await generationFiles(target.store, folder, signal)).map((f) => [f.key, f.byteLength]));
    let done = 0;
    const onBytes = (bytes: number): void => report((done += bytes));
    await eachAtOnce(
      files,
      FILES_AT_ONCE,
      async (file) => {
        const key = `${folder}${partName(file.part)}.${file.kind}`;
        if (whole.get(key) === file.byteLength) onBytes(file.byteLength);
        else {
          const from = keyOf(manifest, file);
          await copyFile({
            source: source.store,
            from,
            target: target.store,
            to: key,
            expected: file,
            beginning: file.kind === 'arrow' ? beginningOf(manifest, file, from) : undefined,
            signal,
            onBytes,
          });
        }
      },
      signal,
    );
    const parts = placeless(manifest);
    const copied: Manifest = { ...manifest, createdAt: new Date().toISOString(), generation, parts };
    signal?.throwIfAborted();
    isCommitting = true;
    await commitManifest(target.store, copied, lease, { ifAbsent: false, signal });
    await lease.release().catch(() => undefined); // committed: it ends with this process
    return copied;
  } catch (error) {
    // A commit that failed may have come to pass all the same.
    const current = isCommitting ? await new Manifests(target.store).current(id, version) : 'none';
    const isOurs = current === 'unreadable' || (current !== 'none' && current.generation === generation);
    const isUseless = isDataRefError(error, 'CORRUPT', 'GENERATION_GONE');
    if (!isOurs && isUseless) await removeGeneration(target.store, folder).catch(() => undefined);
    // What can be gone on with stays, until the next vacuum.
    await (isOurs || isUseless ? lease.release() : lease.abandon()).catch(() => undefined);
    throw error;
  }
}

/** Whether all that a manifest names is there: one that was put by a writer taken for dead may name what is gone. */
async function hasFiles(
  { store }: StorageParts,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { id, version } = manifest;
  const sizes = new Map<string, number>();
  for (const generation of generationsOf(manifest))
    for (const { key, byteLength } of await generationFiles(store, generationFolder(id, version, generation), signal))
      sizes.set(key, byteLength);
  return partFiles(manifest).every((file) => sizes.get(keyOf(manifest, file)) === file.byteLength);
}

/** What is copied: equal for datasets whose files are the same. */
function contentOf(manifest: Manifest): string {
  return sha256Text(JSON.stringify([manifest.fingerprint, placeless(manifest)]));
}

/** The parts, wherever they lie. */
function placeless({ parts }: Manifest): PartInfo[] {
  return parts.map((part) => {
    const { generation: _, ...info } = part;
    return info;
  });
}

/** What the manifest tells of an Arrow file's beginning. */
function beginningOf({ schema, parts }: Manifest, { part }: PartFile, where: string): Beginning {
  const info = parts[part] as PartInfo;
  return {
    byteLength: metadataBytes(info, where),
    check: (bytes) => checkArrowMetadata(schema, info, bytes, where),
  };
}

function keyOf({ id, version }: Manifest, { path }: PartFile): string {
  return `${dataFolder(id, version)}${path}`;
}

/** The dataset that is at the target; one that cannot be read is as good as none. */
async function currentAt(
  { store }: StorageParts,
  id: string,
  version: string,
  signal: AbortSignal | undefined,
): Promise<Manifest | undefined> {
  try {
    return await new Manifests(store).read(id, version, { signal });
  } catch (error) {
    if (isDataRefError(error, 'CORRUPT', 'UNSUPPORTED')) return undefined;
    throw error;
  }
}

/**
 * The generation of a copy of the same files that has ended before its time, else a new one; nobody else's until it is
 * released. A copy that only looks dead is watched: to wait is less than to copy all anew.
 */
async function claimGeneration(
  target: StorageParts,
  id: string,
  version: string,
  content: string,
  options: ProgressOptions,
): Promise<{ readonly generation: string; readonly lease: Claim }> {
  const { store, nonce, leaseTimes } = target;
  const { signal } = options;
  const watch = new LeaseWatch(leaseTimes);
  const leaseOf = (generation: string): string => leaseKey(generationFolder(id, version, generation));
  const names = (await store.listFolders(dataFolder(id, version), { signal })).filter(isGeneration);
  const begun: string[] = [];
  await eachAtOnce(
    new Set(names),
    REQUESTS_AT_ONCE,
    async (name) => {
      if ((await readLease(store, leaseOf(name), signal))?.record.copies === content) begun.push(name);
    },
    signal,
  );
  const claimOneOf = async (generations: readonly string[]) => {
    for (const generation of generations) {
      const lease = await claim(store, leaseOf(generation), target, watch, { copies: content, signal });
      if (lease !== undefined) return { generation, lease };
    }
    return undefined;
  };
  let claimed = await claimOneOf(begun);
  if (claimed === undefined && watch.hasSuspects()) {
    await watch.wait(options);
    claimed = await claimOneOf(begun);
  }
  while (claimed === undefined) claimed = await claimOneOf([nonce()]);
  return claimed;
}
