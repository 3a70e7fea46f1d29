import { orAbort } from '../or-abort.js';
import type { ObjectStore } from '../store/object-store.js';
import { readHeld, nextBeat, putLease, type LeaseRecord } from './lease-record.js';

/** A beat that takes so many times as long as it may uses up half of a lease's time. */
const LATE_BEATS = 6;
const MIN_LATE_MS = 2_000;

/** A lease, as the one took it who holds it. */
export interface HeldLease {
  readonly key: string;
  readonly record: LeaseRecord;
}

/** Signs of life of one holder. */
export interface Beats {
  /** None follows once it resolves. */
  stop(): Promise<void>;
}

/**
 * Swaps a lease for one with another beat every `beatMs`, in this thread, until it is stopped or the lease is another's.
 * @param onMiss told of each beat that fails, or is under way for `LATE_BEATS` times as long as it may be
 */
export function startBeats(
  store: () => ObjectStore,
  { key, record: taken }: HeldLease,
  beatMs: number,
  onMiss: () => void = () => undefined,
): Beats {
  const controller = new AbortController();
  const { signal } = controller;
  let beating: Promise<void> | undefined;
  let sinceMs = 0;
  const beat = async (): Promise<void> => {
    const seen = await orAbort(readHeld(store(), key, taken, signal), signal); // a store may never answer
    // A lease that is gone, or another's, was taken away, and stays so.
    if (seen === undefined) return clearInterval(timer);
    const next = nextBeat({ ...taken, ...seen.record });
    await putLease(store(), key, next, { ifVersion: seen.version, signal });
  };
  const timer = setInterval(() => {
    if (beating === undefined) sinceMs = performance.now();
    else if (performance.now() - sinceMs >= Math.max(LATE_BEATS * beatMs, MIN_LATE_MS)) onMiss();
    // One at a time, so that none outlives the release.
    beating ??= beat()
      // A beat that fails is no failure of the work: the next one, or the work itself, will tell.
      .catch(() => signal.aborted || onMiss())
      .then(() => undefined)
      .finally(() => (beating = undefined));
  }, beatMs);
  timer.unref?.();
  return {
    async stop() {
      clearInterval(timer);
      controller.abort();
      await beating;
    },
  };
}
