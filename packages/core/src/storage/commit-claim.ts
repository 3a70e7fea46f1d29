import { orAbort } from '../or-abort.js';
import type { ObjectStore } from '../store/object-store.js';
import { claim, type Claim, type Claimant } from './claim.js';
import { LeaseWatch } from './lease-watch.js';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2000;

/**
 * Does what only one may do at a time with the shares of a dataset: commit them, or remove some.
 * @param key of the commit's lease
 */
export async function whileCommitting<T>(
  store: ObjectStore,
  claimant: Claimant,
  key: string,
  signal: AbortSignal | undefined,
  work: (commit: Claim) => Promise<T>,
): Promise<T> {
  const wait = waits(signal);
  const watch = new LeaseWatch(claimant.leaseTimes);
  let commit = await claim(store, key, claimant, watch, { signal });
  while (commit === undefined) {
    await wait();
    commit = await claim(store, key, claimant, watch, { signal });
  }
  try {
    return await work(commit);
  } finally {
    await commit.release().catch(() => undefined); // it ends with this process
  }
}

/** Waits that grow longer, and end with an abort. */
export function waits(signal: AbortSignal | undefined): () => Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  return async () => {
    let timer: NodeJS.Timeout | undefined;
    // Not all at once, where many wait for the same.
    const elapsed = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs * (0.5 + Math.random() / 2))));
    try {
      await orAbort(elapsed, signal);
    } finally {
      clearTimeout(timer);
    }
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.5);
  };
}
