import { DataRefError } from '../errors.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { judgeLease } from './judge-lease.js';
import type { LeaseWatch } from './lease-watch.js';
import { startLateBeats } from './late-beats.js';
import {
  giveUp,
  readHeld,
  LEASE_TIMES,
  newRecord,
  takeAs,
  type LeaseRecord,
  type LeaseTimes,
  type WriterIdentity,
} from './lease-record.js';

/** Who claims. */
export interface Claimant {
  readonly identity: WriterIdentity;
  readonly leaseTimes?: LeaseTimes | undefined;
}

/** A lease that only one of many can hold. */
export interface Claim {
  isHeld(options?: IoOptions): Promise<boolean>;
  /** @throws DataRefError STORE_FAILED when others took the holder for dead */
  check(options?: IoOptions): Promise<void>;
  /** Removes the lease. */
  release(): Promise<void>;
  /** Leaves the lease, and what it stands for, to whoever comes next. */
  abandon(): Promise<void>;
}

/**
 * Takes the lease under a key where there is none, or from one who is dead or has abandoned it.
 * @param watch of the claimant: one that is silent is known to be dead when it is claimed again, after a lease's time
 * @param options what it says besides who holds it, and a signal that ends the taking alone
 * @returns undefined where another holds it
 */
export async function claim(
  store: ObjectStore,
  key: string,
  { identity, leaseTimes: times = LEASE_TIMES }: Claimant,
  watch: LeaseWatch,
  { signal, ...purpose }: Pick<LeaseRecord, 'copies'> & IoOptions = {},
): Promise<Claim | undefined> {
  const { state, seen } = await judgeLease(store, key, { identity, watch, signal });
  if (state === 'live') return undefined;
  // What is too large for a lease is nobody's of ours, and has no version that it could be compared with.
  if (seen !== undefined && seen.version === undefined) await store.delete(key, { signal });
  const record = { ...newRecord(identity.self(), (Number(seen?.record.epoch) || 0) + 1), ...purpose };
  const condition = seen?.version === undefined ? { ifAbsent: true } : { ifVersion: seen.version };
  if ((await takeAs(store, key, record, { ...condition, signal })) === undefined) return undefined;

  const beats = startLateBeats(store, { key, record }, times.beatMs);
  const isHeld = async ({ signal: ending }: IoOptions = {}): Promise<boolean> =>
    (await readHeld(store, key, record, ending)) !== undefined;
  return {
    isHeld,
    async check(options) {
      if (await isHeld(options)) return;
      throw new DataRefError(
        'STORE_FAILED',
        `${store.description}: ${key} is not this process's any more. It was not heard of for ${times.leaseMs / 1000} s, so that it was taken for dead; try again`,
        { details: { key } },
      );
    },
    async release() {
      await beats.stop();
      if (await isHeld()) await store.delete(key);
    },
    async abandon() {
      await beats.stop();
      await giveUp(store, key, record);
    },
  };
}
