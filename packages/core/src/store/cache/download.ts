import { crc32 } from '../../checksum/crc32.js';
import type { ObjectReader } from '../object-store.js';

/** Bytes asked for at once: with those read in parallel, the memory that a download takes. */
const SLICE_BYTES = 4 * 2 ** 20;
const PARALLEL_SLICES = 4;

/** How far a download is: all bytes before `position` are written, and this is their CRC-32. */
export interface Progress {
  position: number;
  crc32: number;
}

/**
 * Reads a whole object in slices, several at once, and writes them in order from `progress` on. After a failure it may
 * be called again, and goes on where it stood.
 * @param write puts bytes at a position
 */
export async function download(
  source: ObjectReader,
  byteLength: number,
  progress: Progress,
  write: (bytes: Uint8Array, position: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const options = { signal: AbortSignal.any([signal, failed.signal]) };
  const slices: Promise<Uint8Array>[] = [];
  let next = progress.position;
  const ask = (): void => {
    if (next === byteLength) return;
    const slice = new Uint8Array(Math.min(SLICE_BYTES, byteLength - next));
    const reading = source.read(slice, next, options).then(() => slice);
    reading.catch(() => undefined); // told by whoever waits for it, if anybody does
    slices.push(reading);
    next += slice.length;
  };
  try {
    while (progress.position < byteLength) {
      for (let more = PARALLEL_SLICES - slices.length; more > 0; more--) ask();
      const slice = (await slices.shift()) as Uint8Array;
      signal.throwIfAborted();
      await write(slice, progress.position);
      progress.crc32 = crc32(slice, progress.crc32);
      progress.position += slice.length;
    }
  } finally {
    failed.abort();
  }
}
