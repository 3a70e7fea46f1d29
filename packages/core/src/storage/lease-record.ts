import { isDataRefError } from '../errors.js';
import type { ObjectStore, PutOptions } from '../store/object-store.js';

const LIMIT_BYTES = 4096;

/** How often a holder says that it is alive, and after how long a silence it is taken for dead. */
export interface LeaseTimes {
  readonly beatMs: number;
  readonly leaseMs: number;
}

export const LEASE_TIMES: LeaseTimes = { beatMs: 5_000, leaseMs: 60_000 };

/** The key of a writer's lease, given the generation's folder. */
export const leaseKey = (folder: string): string => `${folder}writer.json`;
/** The key of a dataset's build lease, given the dataset's folder. */
export const buildLeaseKey = (folder: string): string => `${folder}build.json`;

/** Tells who a process is, and whether another one still runs; undefined where only its silence can tell. */
export interface WriterIdentity {
  readonly self: () => unknown;
  readonly isRunning: (writer: unknown) => boolean | undefined;
}

/** What a lease says. As an object in a store it has a version, and all that changes it is a compare-and-swap. */
export interface LeaseRecord {
  /** Of one holder, from its taking the lease to its giving it up. */
  readonly nonce: string;
  readonly writer: unknown;
  /** How many have held the lease, this one included. */
  readonly epoch: number;
  /** How many signs of life it has given. */
  readonly beat: number;
  /** When, in ms since 1970, by the holder's clock. */
  readonly beatMs: number;
  /** It was given up: anybody may take it. */
  readonly isReleased?: boolean | undefined;
  /** What is copied, where a copy writes: the next one of the same files goes on with what a dead one left. */
  readonly copies?: string | undefined;
}

export interface SeenLease {
  /** Of what is no lease, all members may be missing. */
  readonly record: Partial<LeaseRecord>;
  /** Undefined where the object is too large to be one. */
  readonly version: string | undefined;
}

export function newRecord(writer: unknown, epoch: number): LeaseRecord {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(12));
  const nonce = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { nonce, writer, epoch, beat: 0, beatMs: Date.now() };
}

export function nextBeat(record: LeaseRecord): LeaseRecord {
  return { ...record, beat: record.beat + 1, beatMs: Date.now() };
}

export async function readLease(store: ObjectStore, key: string, signal?: AbortSignal): Promise<SeenLease | undefined> {
  try {
    const held = await store.get(key, LIMIT_BYTES, { signal });
    return held && { record: parsed(held.bytes), version: held.version };
  } catch (error) {
    if (isDataRefError(error, 'CORRUPT')) return { record: {}, version: undefined };
    throw error;
  }
}

/**
 * Writes a lease on a condition. A store may fail, or say that the condition did not hold, although it wrote: then
 * what is there is read back.
 * @returns the version; undefined where the condition did not hold
 */
export async function putLease(
  store: ObjectStore,
  key: string,
  record: LeaseRecord,
  condition: Pick<PutOptions, 'ifAbsent' | 'ifVersion' | 'signal'>,
): Promise<string | undefined> {
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  let failure: unknown;
  try {
    const version = await store.put(key, bytes, condition);
    if (version !== undefined) return version;
  } catch (error) {
    condition.signal?.throwIfAborted();
    failure = error;
  }
  const seen = await readLease(store, key, condition.signal).catch((error: unknown) => {
    throw failure ?? error;
  });
  if (isSame(seen?.record, record)) return seen?.version;
  if (failure !== undefined) throw failure;
  return undefined;
}

/** As `putLease`, for one who takes a lease: where that fails, what came to pass all the same is given up. */
export async function takeAs(
  ...[store, key, record, condition]: Parameters<typeof putLease>
): Promise<string | undefined> {
  try {
    return await putLease(store, key, record, condition);
  } catch (error) {
    await giveUp(store, key, record).catch(() => undefined);
    throw error;
  }
}

/** Leaves a lease, where it is held as `record`, to whoever comes next. @returns false where it was changed meanwhile */
export async function giveUp(store: ObjectStore, key: string, record: LeaseRecord): Promise<boolean> {
  const held = await readHeld(store, key, record);
  if (held === undefined) return true;
  const released = { ...nextBeat({ ...record, ...held.record }), isReleased: true };
  return (await putLease(store, key, released, { ifVersion: held.version })) !== undefined;
}

/**
 * The lease, where it is held as `record`. It has no checksum: who seems to have lost it looks again, since an answer may
 * have been damaged on its way.
 */
export async function readHeld(
  store: ObjectStore,
  key: string,
  record: LeaseRecord,
  signal?: AbortSignal,
): Promise<SeenLease | undefined> {
  for (let look = 0; look < 2; look++) {
    const seen = await readLease(store, key, signal);
    if (isHeldAs(seen, record)) return seen;
  }
  return undefined;
}

/** Whether a lease is, as it is now, held by the one that took it as `record`. */
function isHeldAs(seen: SeenLease | undefined, record: LeaseRecord): seen is SeenLease {
  return seen?.record.nonce === record.nonce && seen.record.isReleased !== true;
}

function isSame(seen: Partial<LeaseRecord> | undefined, record: LeaseRecord): boolean {
  return (
    seen?.nonce === record.nonce &&
    seen.beat === record.beat &&
    (seen.isReleased === true) === (record.isReleased === true)
  );
}

/** What is no lease says nothing of a writer; only its age tells. */
function parsed(bytes: Uint8Array): Partial<LeaseRecord> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(bytes))) as Partial<LeaseRecord>;
  } catch {
    return {};
  }
}
