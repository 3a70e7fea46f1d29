import { isDataRefError } from '../errors.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { putLease, readLease, type LeaseRecord, type SeenLease, type WriterIdentity } from './lease-record.js';
import type { LeaseWatch } from './lease-watch.js';

export interface JudgedLease {
  readonly state: 'live' | 'expired' | 'released' | 'none';
  readonly seen?: SeenLease | undefined;
  /** Its process has ended: it cannot wake up. */
  readonly isCertain?: boolean;
  /** When it was last heard of, by the later of two clocks. */
  readonly heardMs?: number;
}

/** Who judges. */
interface Judge extends IoOptions {
  readonly identity: WriterIdentity;
  readonly watch: LeaseWatch;
}

/**
 * Whether somebody holds a lease: `none` where nobody ever did, or it is gone. Where only silence can tell, a holder is
 * `live` until `watch` has seen it silent, and noted there if by the clocks it looks dead already.
 */
export async function judgeLease(
  store: ObjectStore,
  key: string,
  { identity, watch, signal }: Judge,
): Promise<JudgedLease> {
  const seen = await readLease(store, key, signal);
  if (seen === undefined) return { state: 'none' };
  const { writer, beatMs, isReleased } = seen.record;
  const runs = isReleased === true ? undefined : identity.isRunning(writer);
  if (runs !== undefined) return { state: runs ? 'live' : 'expired', seen, isCertain: true };
  // Two clocks, the writer's and the store's: one that is wrong must not make a writer look dead.
  const modifiedMs = (await store.head(key, { signal }))?.modifiedMs ?? 0;
  // A stamp from the future says that the writer's clock is wrong: then the store's alone counts, or nothing would end it.
  const stampMs = Number(beatMs) || 0;
  const heardMs = stampMs > Date.now() + watch.leaseMs ? modifiedMs : Math.max(modifiedMs, stampMs);
  if (isReleased === true) return { state: 'released', seen, heardMs };
  if (watch.isSilent(key, seen)) return { state: 'expired', seen, heardMs };
  if (Date.now() - heardMs >= watch.leaseMs) watch.suspect(key, seen);
  return { state: 'live', seen, heardMs };
}

/**
 * Takes a lease away from a holder that is taken for dead, so that one that lives nevertheless sees that it lost it
 * before what it stands for is removed.
 * @param judged what was seen; only one that cannot wake up needs not be told where the disk is full
 * @param as what the lease says then; its epoch is set
 * @returns false where it has been heard of since
 */
export async function takeAway(
  store: ObjectStore,
  key: string,
  { seen, isCertain = false }: JudgedLease,
  as: LeaseRecord,
  options: IoOptions = {},
): Promise<boolean> {
  if (seen === undefined) return false;
  const { record, version } = seen;
  if (version === undefined) return true; // too large for a lease: no holder of ours wrote it
  const taken = { ...as, epoch: (Number(record.epoch) || 0) + 1 };
  try {
    return (await putLease(store, key, taken, { ...options, ifVersion: version })) !== undefined;
  } catch (error) {
    // Where there is no room to say so, room must be made.
    if (isDataRefError(error, 'DISK_FULL')) return isCertain;
    throw error;
  }
}
