import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { startThreadBeats } from './beat-thread.js';
import {
  giveUp,
  readHeld,
  newRecord,
  readLease,
  takeAs,
  type LeaseTimes,
  type SeenLease,
  type WriterIdentity,
} from './lease-record.js';
import { LeaseWatch } from './lease-watch.js';

/** How often a release is tried against beats of one's own that were still on the way. */
const RELEASE_ATTEMPTS = 5;

/** The right to build a dataset, of one process among all that share a store. */
export interface BuildLease {
  /** false once another has taken it, this one having been silent for too long. */
  isHeld(options?: IoOptions): Promise<boolean>;
  /** Lets the next one take its turn. */
  release(): Promise<void>;
}

/**
 * One who wants to build a dataset, and waits for its turn. Whether a holder is silent is judged by this process's own
 * clock, from what it saw itself: clocks need not agree.
 */
export class BuildQueue {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #identity: WriterIdentity;
  readonly #times: LeaseTimes;
  readonly #watch: LeaseWatch;

  constructor(store: ObjectStore, key: string, identity: WriterIdentity, times: LeaseTimes) {
    this.#store = store;
    this.#key = key;
    this.#identity = identity;
    this.#times = times;
    this.#watch = new LeaseWatch(times);
  }

  /** Takes the lease where nobody holds it. @returns undefined, and `holder` is told who does */
  async tryTake(signal: AbortSignal | undefined, holder: (writer: unknown) => void): Promise<BuildLease | undefined> {
    const seen = await readLease(this.#store, this.#key, signal);
    if (seen !== undefined && !this.#isFree(seen)) {
      holder(seen.record.writer);
      return undefined;
    }
    const record = newRecord(this.#identity.self(), (Number(seen?.record.epoch) || 0) + 1);
    const condition = seen === undefined ? { ifAbsent: true } : { ifVersion: seen.version };
    if ((await takeAs(this.#store, this.#key, record, { ...condition, signal })) === undefined) return undefined;
    const beats = await startThreadBeats(this.#store, { key: this.#key, record }, this.#times.beatMs);
    return {
      isHeld: async (options) => (await readHeld(this.#store, this.#key, record, options?.signal)) !== undefined,
      release: async () => {
        await beats.stop();
        for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt++)
          if (await giveUp(this.#store, this.#key, record)) return;
      },
    };
  }

  #isFree(seen: SeenLease): boolean {
    const { writer, isReleased } = seen.record;
    // One that runs, and is silent nevertheless, was stopped.
    return isReleased === true || this.#identity.isRunning(writer) === false || this.#watch.isSilent(this.#key, seen);
  }
}
