const MAGIC = 0x184d2204;
const MIN_MATCH = 4;

/**
 * The content of an LZ4 frame, of which no more than `limitBytes` are made: the compressors of arrays have blocks alone.
 * Follows the LZ4 frame and block formats, https://github.com/lz4/lz4/tree/dev/doc. Checksums of frames are not looked at.
 * @throws RangeError saying what is wrong
 */
export function readLz4Frame(bytes: Uint8Array, limitBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('it is no LZ4 frame');
  const flags = view.getUint8(4);
  const [hasSize, hasBlockChecksums, hasDictionary] = [(flags & 8) !== 0, (flags & 16) !== 0, (flags & 1) !== 0];
  if (flags >> 6 !== 1 || hasDictionary)
    throw new RangeError('its LZ4 frame is of another version, or has a dictionary');
  let at = 7 + (hasSize ? 8 : 0);
  const out = new Uint8Array(limitBytes);
  let length = 0;
  for (;;) {
    const header = view.getUint32(at, true);
    at += 4;
    if (header === 0) return out.subarray(0, length);
    const size = header & 0x7fffffff;
    if (size > bytes.length - at) throw new RangeError('its LZ4 frame ends within a block');
    const block = bytes.subarray(at, at + size);
    if (header >>> 31 === 1) {
      out.set(block, length); // stored as it is
      length += size;
    } else {
      length = readBlock(block, out, length);
    }
    at += size + (hasBlockChecksums ? 4 : 0);
  }
}

/** Appends a block's content, which may repeat what is before it. @returns the length after it */
function readBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0;
  let length = start;
  const more = (nibble: number): number => {
    let total = nibble;
    for (let byte = 255; nibble === 15 && byte === 255; total += byte) byte = next();
    return total;
  };
  const next = (): number => {
    if (at >= block.length) throw new RangeError('its LZ4 block ends too early');
    return block[at++] as number;
  };
  const need = (count: number, has: number, problem: string): void => {
    if (count > has) throw new RangeError(problem);
  };
  while (at < block.length) {
    const token = next();
    const literals = more(token >> 4);
    need(literals, block.length - at, 'its LZ4 block ends too early');
    need(literals, out.length - length, 'it has more bytes than its chunk');
    out.set(block.subarray(at, at + literals), length);
    at += literals;
    length += literals;
    if (at === block.length) break;
    const distance = next() | (next() << 8);
    const count = more(token & 15) + MIN_MATCH;
    need(count, out.length - length, 'it has more bytes than its chunk');
    if (distance === 0 || distance > length) throw new RangeError('its LZ4 block refers to what is not there');
    // One after another: a match may repeat what it has just written.
    for (let i = 0; i < count; i++, length++) out[length] = out[length - distance] as number;
  }
  return length;
}
