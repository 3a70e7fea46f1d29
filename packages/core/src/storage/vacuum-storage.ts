import { reporter } from '../progress.js';
import { eachAtOnce, REQUESTS_AT_ONCE } from './at-once.js';
import { folderOf } from './manifests.js';
import type { ProgressOptions } from './types.js';
import { isAbandoned, vacuumDataset, type Vacuum } from './vacuum.js';

/**
 * Vacuums datasets, several at once, and then what is no dataset's. Those with writers that look dead, but may live where
 * clocks are wrong, come a second time, after one pause for all of them. Of several failures it throws the first, last.
 * @returns bytes freed
 */
export async function vacuumStorage(
  vacuum: Vacuum,
  names: readonly (readonly [id: string, version: string])[],
  onProgress: ProgressOptions['onProgress'],
): Promise<number> {
  const { store, watch, signal } = vacuum;
  const report = reporter(onProgress, 'vacuum', names.length, 'datasets');
  const again: (typeof names)[number][] = [];
  let isSecond = false;
  let bytesFreed = 0;
  let done = 0;
  let failure: { readonly error: unknown } | undefined;
  const clean = async (name: (typeof names)[number]): Promise<void> => {
    try {
      const freed = await vacuumDataset(vacuum, ...name);
      bytesFreed += freed;
    } catch (error) {
      failure ??= { error }; // the others first
    }
    if (!isSecond && watch.hasSuspects(folderOf(...name))) again.push(name);
    else report(++done);
  };
  await eachAtOnce(names, REQUESTS_AT_ONCE, clean, signal);
  if (again.length > 0) {
    await watch.wait({ signal, onProgress });
    isSecond = true;
    await eachAtOnce(again, REQUESTS_AT_ONCE, clean, signal);
  }
  signal?.throwIfAborted();
  bytesFreed += await store.sweep({ signal, isAbandoned: (key) => isAbandoned(vacuum, key) });
  if (failure !== undefined) throw failure.error;
  return bytesFreed;
}
