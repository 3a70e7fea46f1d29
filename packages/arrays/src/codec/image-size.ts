import { damaged } from './damaged.js';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel. */
  readonly channels: number;
}

/** What the head of an image says, without decoding it. @throws DataRefError CORRUPT for what is no such image */
export function imageSizeOf(format: 'jpeg' | 'png', bytes: Uint8Array): ImageSize {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = format === 'png' ? sizeOfPng(view) : sizeOfJpeg(view);
  if (size === undefined) throw damaged(`no ${format} of 8 bits a channel`);
  return size;
}

const PNG_SIGNATURE = 0x89504e470d0a1a0an;
const IHDR = 0x49484452;
/** Of PNG's colour types: grey, colours, grey and opacity, colours and opacity. */
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** @see PNG specification, 11.2.1 IHDR */
function sizeOfPng(view: DataView): ImageSize | undefined {
  if (view.byteLength < 33 || view.getBigUint64(0) !== PNG_SIGNATURE || view.getUint32(12) !== IHDR) return undefined;
  const channels = PNG_CHANNELS[view.getUint8(25)];
  if (view.getUint8(24) !== 8 || channels === undefined) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20), channels };
}

/** Of JPEG's start of frame: baseline, extended, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2];

/** @see ITU-T T.81 annex B */
function sizeOfJpeg(view: DataView): ImageSize | undefined {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 10 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (FRAMES.includes(marker)) {
      if (view.getUint8(at + 4) !== 8) return undefined;
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), channels: view.getUint8(at + 9) };
    }
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return undefined;
}
