import { DataRefError, isDataRefError } from '../errors.js';
import { decodeManifest, encodeManifest, MANIFEST_LIMIT_BYTES, type Manifest } from '../format/manifest.js';
import { resealed } from '../format/sealed-json.js';
import type { IoOptions, ObjectStore, PutOptions, StoredObject } from '../store/object-store.js';
import { newRecord } from './lease-record.js';
import { manifestKey } from './manifests.js';

/** Where so many others commit between a look at the manifest and the swap, something else is wrong. */
const MAX_ATTEMPTS = 200;

/** What a writer must still hold when what it wrote becomes visible. */
export interface HeldRight {
  isHeld(options?: IoOptions): Promise<boolean>;
  /** @throws DataRefError STORE_FAILED where it is lost */
  check(options?: IoOptions): Promise<void>;
}

/**
 * Makes a manifest that of its dataset, while its writer holds the lease of what it names. A writer that was suspended
 * for long may have lost it between a look and the put, and a vacuum removed its parts:
 * - Another manifest is replaced by compare-and-swap on the version that was there before the lease was looked at. Who
 *   takes a lease away changes the manifest before it removes anything (`fence`), so that the swap fails.
 * - Where there is none, nothing can be changed: the lease is read back after the put.
 * @returns false under `ifAbsent`, where there is a manifest
 * @throws DataRefError STORE_FAILED where the lease is lost: then nothing is committed
 */
export async function commitManifest(
  store: ObjectStore,
  manifest: Manifest,
  lease: HeldRight,
  { ifAbsent, signal }: Pick<PutOptions, 'ifAbsent' | 'signal'>,
): Promise<boolean> {
  const key = manifestKey(manifest.id, manifest.version);
  const bytes = encodeManifest(manifest);
  if (ifAbsent) return putWhileHeld(store, key, bytes, lease, { ifAbsent, signal });
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await manifestBytes(store, key, { signal });
    if (before === undefined) {
      if (await putWhileHeld(store, key, bytes, lease, { ifAbsent: true, signal })) return true;
    } else {
      await lease.check({ signal });
      if (isEqual(before.bytes, bytes)) return true; // it came to pass, and the answer was lost
      // What is no manifest is removed by nobody, nor is what is beside it.
      const condition = before.version === undefined ? {} : { ifVersion: before.version };
      signal?.throwIfAborted();
      if ((await store.put(key, bytes, { ...condition, signal })) !== undefined) return true;
    }
  }
  throw contended(store, key);
}

/**
 * Puts what names files of a writer. Where the lease turns out to be lost once it is there, it is withdrawn, though
 * never what others have put in its place.
 * @returns false where the condition does not hold
 * @throws DataRefError STORE_FAILED where the lease is lost
 */
export async function putWhileHeld(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  lease: HeldRight,
  condition: Pick<PutOptions, 'ifAbsent' | 'signal'> = {},
): Promise<boolean> {
  await lease.check({ signal: condition.signal });
  condition.signal?.throwIfAborted(); // the last look before others can see it
  let isPut: boolean;
  // From here on without the signal: what others can see is looked after to the end.
  try {
    isPut = (await store.put(key, bytes, condition)) !== undefined;
  } catch (error) {
    // It may have come to pass all the same.
    if (!(await lease.isHeld())) await withdraw(store, key, bytes);
    throw error;
  }
  if (await lease.isHeld()) return isPut;
  await withdraw(store, key, bytes);
  await lease.check();
  throw new DataRefError(
    'STORE_FAILED',
    `${store.description}: ${key} was written and withdrawn, since the lease seemed to be lost, and is not; submit it again`,
    { details: { key } },
  );
}

/**
 * Gives a manifest another version, and changes nothing else of it, so that no swap of it comes to pass that was begun
 * before: for who took a lease away, before what it stands for is removed.
 */
export async function fence(store: ObjectStore, id: string, version: string, options: IoOptions): Promise<void> {
  const key = manifestKey(id, version);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await manifestBytes(store, key, options);
    if (before?.version === undefined || before.bytes === undefined) return;
    try {
      decodeManifest(before.bytes, key, id, version);
    } catch {
      return; // nothing is removed beside it
    }
    const { nonce } = newRecord(undefined, 0);
    const condition = { ...options, ifVersion: before.version };
    if ((await store.put(key, resealed(before.bytes, 'fence', nonce), condition)) !== undefined) return;
  }
  throw contended(store, key);
}

/** What is under a manifest's key; without a version where it is too large to be one. */
async function manifestBytes(
  store: ObjectStore,
  key: string,
  options: IoOptions = {},
): Promise<Partial<StoredObject> | undefined> {
  try {
    return await store.get(key, MANIFEST_LIMIT_BYTES, options);
  } catch (error) {
    if (isDataRefError(error, 'CORRUPT')) return {};
    throw error;
  }
}

function contended(store: ObjectStore, key: string): DataRefError {
  return new DataRefError(
    'STORE_FAILED',
    `${store.description}: ${key} was another each of ${MAX_ATTEMPTS} times that it was to be replaced; write it less often at once, or see whether the store keeps to ifVersion`,
    { details: { key } },
  );
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function withdraw(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  const held = await manifestBytes(store, key);
  if (held?.version !== undefined && isEqual(held.bytes, bytes)) await store.delete(key, { ifVersion: held.version });
}
