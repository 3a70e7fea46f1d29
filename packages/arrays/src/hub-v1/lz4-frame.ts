import { appendLz4Block } from '../codec/lz4-block.js';

const MAGIC = 0x184d2204;

/**
 * The content of an LZ4 frame, as Python's `lz4.frame` makes it; arrays of our own have blocks alone. Checksums of frames
 * are not looked at.
 * @param limitBytes of the content
 * @throws RangeError, DataRefError CORRUPT saying what is wrong
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function readLz4Frame(bytes: Uint8Array, limitBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('it is no LZ4 frame');
  const flags = view.getUint8(4);
  const [hasSize, hasBlockChecksums, hasDictionary] = [(flags & 8) !== 0, (flags & 16) !== 0, (flags & 1) !== 0];
  if (flags >> 6 !== 1 || hasDictionary)
    throw new RangeError('its LZ4 frame is of another version, or has a dictionary');
  const out = new Uint8Array(limitBytes);
  let length = 0;
  for (let at = 7 + (hasSize ? 8 : 0); ;) {
    const header = view.getUint32(at, true);
    at += 4;
    if (header === 0) return out.subarray(0, length);
    const size = header & 0x7fffffff;
    if (size > bytes.length - at) throw new RangeError('its LZ4 frame ends within a block');
    const block = bytes.subarray(at, at + size);
    const isStored = header >>> 31 === 1;
    if (isStored) out.set(block, length);
    length = isStored ? length + size : appendLz4Block(block, out, length);
    at += size + (hasBlockChecksums ? 4 : 0);
  }
}
