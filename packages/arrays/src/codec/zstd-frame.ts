import { damaged } from './damaged.js';

const MAGIC = 0xfd2fb528;
const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;
const MOST_OF_A_BLOCK = 2 ** 17;
const CHECKSUM_BYTES = 4;

/**
 * How many bytes a frame of Zstandard says that it decodes to, undefined where it does not, and what its blocks can become at most.
 * Decodes nothing. @throws DataRefError CORRUPT for what is no single frame: numcodecs never ends where bytes come after it
 * @see RFC 8878 sections 3.1.1.1 and 3.1.1.2
 */
export function decodedLengthOf(bytes: Uint8Array): { readonly said: number | undefined; readonly most: number } {
  if (bytes.length < 6) throw damaged(`${bytes.length} bytes are no frame of Zstandard`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) throw damaged('no frame of Zstandard');
  const descriptor = view.getUint8(4);
  const isSingle = (descriptor & 32) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const at = 5 + (isSingle ? 0 : 1) + dictionaryBytes;
  if (bytes.length < at + sizeBytes) throw damaged('the head of its frame of Zstandard is cut short');
  const blocks = blocksFrom(view, at + sizeBytes);
  const end = blocks.end + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  if (end !== bytes.length) throw damaged(`its frame of Zstandard has ${end} bytes, not ${bytes.length}`);
  const { most } = blocks;
  return { said: sizeBytes === 0 ? undefined : sizeAt(view, at, sizeBytes), most };
}

function sizeAt(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  return sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

/** Where the blocks end, and how many bytes they decode to at most. */
function blocksFrom(view: DataView, start: number): { readonly end: number; readonly most: number } {
  let most = 0;
  let isLast = false;
  let at = start;
  while (!isLast) {
    if (at + 3 > view.byteLength) throw damaged('its frame of Zstandard is cut short');
    const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const [type, size] = [(head >> 1) & 3, head >> 3];
    isLast = (head & 1) === 1;
    most += type === RAW || type === REPEATED ? size : MOST_OF_A_BLOCK;
    at += 3 + (type === REPEATED ? 1 : size);
    if (type > COMPRESSED) throw damaged('a block of Zstandard of no known type');
  }
  return { end: at, most };
}
