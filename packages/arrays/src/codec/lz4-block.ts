import { damaged } from './damaged.js';

const LEAST_MATCH = 4;
/** Shorter runs are copied four bytes at a time: faster than a call. */
const SHORT = 64;

/**
 * Decodes a block of LZ4.
 * @param length of what comes out
 * @param into taken for it where it is just as long: new memory costs more than to decode
 * @returns what may be the memory of `from`, where nothing was compressed
 * @throws DataRefError CORRUPT for anything else
 */
export function decodeLz4Block(from: Uint8Array, length: number, into?: Uint8Array): Uint8Array {
  const stored = loneRun(from, length);
  if (stored !== undefined) return stored;
  const to = into?.length === length ? into : new Uint8Array(length);
  const written = appendLz4Block(from, to, 0);
  if (written !== length) throw damaged(`LZ4 decodes to ${written} bytes, not to ${length}`);
  return to;
}

/** What did not compress is one run of literals, which is all of the block. */
function loneRun(from: Uint8Array, length: number): Uint8Array | undefined {
  let read = 1;
  let run = (from[0] ?? 0) >> 4;
  if (run === 15) {
    let more = 255;
    while (more === 255 && read < from.length) run += more = from[read++] as number;
  }
  return run === length && read + run === from.length ? from.subarray(read) : undefined;
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
  const source = new DataView(from.buffer, from.byteOffset, end);
  const target = new DataView(to.buffer, to.byteOffset, length);
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
    if (run >= SHORT) to.set(from.subarray(read, read + run), written);
    else if (run + 3 <= end - read && run + 3 <= length - written) {
      // Up to three bytes too many, which what comes next overwrites.
      for (let i = 0; i < run; i += 4) target.setUint32(written + i, source.getUint32(read + i));
    } else for (let i = 0; i < run; i++) to[written + i] = from[read + i] as number;
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
    if (copied >= SHORT) copyBack(to, written, offset, copied);
    else if (offset >= 4 && copied + 3 <= length - written) {
      for (let at = written, stop = written + copied; at < stop; at += 4)
        target.setUint32(at, target.getUint32(at - offset));
    } else for (let at = written, stop = written + copied; at < stop; at++) to[at] = to[at - offset] as number;
    written += copied;
  }
  return written;
}

/** Copies what lies `offset` bytes back, which may be what it writes itself. */
function copyBack(to: Uint8Array, start: number, offset: number, length: number): void {
  const end = start + length;
  if (offset === 1) {
    to.fill(to[start - 1] as number, start, end);
    return;
  }
  // Each copy doubles what there is of the pattern.
  for (let at = start, known = offset; at < end;) {
    const copied = Math.min(known, end - at);
    to.copyWithin(at, start - offset, start - offset + copied);
    at += copied;
    known += copied;
  }
}
