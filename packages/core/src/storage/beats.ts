import type { ObjectStore } from '../store/object-store.js';
import { isHeldAs, nextBeat, putLease, readLease, type LeaseRecord } from './lease-record.js';

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

/** Swaps a lease for one with another beat every `beatMs`, in this thread, until it is stopped or the lease is another's. */
export function startBeats(store: () => ObjectStore, { key, record: taken }: HeldLease, beatMs: number): Beats {
  const controller = new AbortController();
  const { signal } = controller;
  let beating: Promise<void> | undefined;
  const beat = async (): Promise<void> => {
    const seen = await readLease(store(), key, signal);
    // A lease that is gone, or another's, was taken away, and stays so.
    if (!isHeldAs(seen, taken)) return clearInterval(timer);
    const next = nextBeat({ ...taken, ...seen.record });
    await putLease(store(), key, next, { ifVersion: seen.version, signal });
  };
  const timer = setInterval(() => {
    // One at a time, so that none outlives the release.
    beating ??= beat()
      // A beat that fails is no failure of the work: the next one, or the work itself, will tell.
      .catch(() => undefined)
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
