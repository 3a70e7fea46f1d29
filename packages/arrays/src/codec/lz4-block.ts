import { damaged } from './damaged.js';

const LEAST_MATCH = 4;
/** Shorter runs are copied byte by byte: faster than a call. */
const SHORT = 32;

/**
 * Decodes a block of LZ4.
 * @param length of what comes out @throws DataRefError CORRUPT for anything else
 */
export function decodeLz4Block(from: Uint8Array, length: number): Uint8Array {
  const to = new Uint8Array(length);
  const written = appendLz4Block(from, to, 0);
  if (written !== length) throw damaged(`LZ4 decodes to ${written} bytes, not to ${length}`);
  return to;
}

/**
 * Decodes a block of LZ4 behind what was decoded before: runs of literals, each followed by a copy of what came before.
 * @returns the place after it
 * @throws DataRefError CORRUPT where it does not fit `to`
 * @see LZ4 block format description
 */
export function appendLz4Block(from: Uint8Array, to: Uint8Array, start: number): number {
  const { length } = to;
  const end = from.length;
  let read = 0;
  let written = start;
  while (read < end) {
    const token = from[read++] as number;
    let run = token >> 4;
    if (run === 15) {
      let more = 255;
      while (more === 255 && read < end) run += more = from[read++] as number;
    }
    if (run > end - read || run > length - written) throw damaged('a run of LZ4 reaches beyond its end');
    if (run < SHORT) for (let i = 0; i < run; i++) to[written + i] = from[read + i] as number;
    else to.set(from.subarray(read, read + run), written);
    read += run;
    written += run;
    if (read === end) break; // the last has no copy

    if (end - read < 2) throw damaged('LZ4 ends within a copy');
    const offset = (from[read] as number) | ((from[read + 1] as number) << 8);
    read += 2;
    let copied = token & 15;
    if (copied === 15) {
      let more = 255;
      while (more === 255 && read < end) copied += more = from[read++] as number;
    }
    copied += LEAST_MATCH;
    if (offset === 0 || offset > written) throw damaged('a copy of LZ4 begins before its start');
    if (copied > length - written) throw damaged('a copy of LZ4 reaches beyond its end');
    written = copyBack(to, written, offset, copied);
  }
  return written;
}

/** Copies what lies `offset` bytes back, which may be what it writes itself. @returns the place after it */
function copyBack(to: Uint8Array, start: number, offset: number, length: number): number {
  const end = start + length;
  if (length < SHORT) {
    for (let i = start; i < end; i++) to[i] = to[i - offset] as number;
  } else if (offset === 1) {
    to.fill(to[start - 1] as number, start, end);
  } else {
    // Each copy doubles what there is of the pattern.
    for (let at = start, known = offset; at < end;) {
      const copied = Math.min(known, end - at);
      to.copyWithin(at, start - offset, start - offset + copied);
      at += copied;
      known += copied;
    }
  }
  return end;
}
