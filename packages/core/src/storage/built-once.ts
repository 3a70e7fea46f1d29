import { endedByAbort } from '../or-abort.js';
import { pause } from '../store/pause.js';
import { BuildQueue, type BuildLease } from './build-lease.js';
import { LEASE_TIMES } from './lease-record.js';
import type { StorageParts } from './storage-parts.js';

/** The first look at what others do comes soon, the later ones at most so seldom. */
const MIN_POLL_MS = 50;
const MAX_POLL_MS = 1_000;

/** Something that is made once over all that share a store. */
export interface OnceBuild<T> {
  /** What is there already, or was committed by another; undefined where nothing is. */
  readonly look: () => Promise<T | undefined>;
  /** Makes it. @returns undefined where the lease was lost meanwhile: then another has its turn */
  readonly build: (lease: BuildLease) => Promise<T | undefined>;
  /** Told, again and again, who has its turn. */
  readonly onWait: (holder: unknown) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What is there, where it is; else what this process built, or the one that had its turn. */
export async function builtOnce<T>(
  { store, identity, leaseTimes = LEASE_TIMES }: Pick<StorageParts, 'store' | 'identity' | 'leaseTimes'>,
  leaseKey: string,
  { look, build, onWait, signal }: OnceBuild<T>,
): Promise<T> {
  const queue = new BuildQueue(store, leaseKey, identity, leaseTimes);
  for (let polls = 0; ; polls++) {
    const lease = await queue.tryTake(signal, onWait);
    if (lease !== undefined) {
      try {
        // The one before may have committed between the last look and its release. What hangs though it was aborted keeps
        // the turn from nobody.
        const made = await endedByAbort(signal, async () => (await look()) ?? (await build(lease)));
        if (made !== undefined) return made;
      } finally {
        // A lease that cannot be given up is no failure: its silence will tell.
        await lease.release().catch(() => undefined);
      }
    }
    await pause(pollMs(polls), signal);
    const found = await look();
    if (found !== undefined) return found;
  }
}

/** Anything from a half to one and a half of the usual, so that many who wait do not ask all at once. */
export function pollMs(polls: number): number {
  return Math.min(MAX_POLL_MS, MIN_POLL_MS * 1.5 ** polls) * (0.5 + Math.random());
}
