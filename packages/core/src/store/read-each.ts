import { withOwnSignal } from '../or-abort.js';
import type { ByteRange, IoOptions, ObjectReader } from './object-store.js';

/** Reads under way at once: what Node's thread pool, a network file system or one connection pool takes. */
const PARALLEL_READS = 16;

/** `readRanges` by means of `read`: every range for itself, several at once. When it fails, nothing is being written any more. */
export async function readEach(
  read: ObjectReader['read'],
  ranges: readonly ByteRange[],
  options: IoOptions = {},
): Promise<void> {
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    for (let range = ranges[next++]; range !== undefined && !failed; range = ranges[next++]) {
      try {
        options.signal?.throwIfAborted();
        const { into, position } = range;
        await withOwnSignal(options.signal, (signal) => read(into, position, { signal }));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL_READS, ranges.length) }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
