import type { ObjectStore } from '../store/object-store.js';
import { startThreadBeats } from './beat-thread.js';
import type { Beats, HeldLease } from './beats.js';

/** Work that is done sooner needs no beats, nor the thread for them. */
const QUIET_MS = 1_000;

/** Signs of life of work that takes longer than a moment. */
export function startLateBeats(store: ObjectStore, lease: HeldLease, beatMs: number): Beats {
  let beats: Promise<Beats> | undefined;
  const start = (): void => void (beats = startThreadBeats(store, lease, beatMs));
  const timer = setTimeout(start, Math.min(QUIET_MS, beatMs / 2));
  timer.unref?.();
  return {
    async stop() {
      clearTimeout(timer);
      await (await beats)?.stop();
    },
  };
}
