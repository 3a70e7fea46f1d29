import { crc32c } from '@node-rs/crc32';
import { DataRefError } from '@dataref/core';
import type { BytesCodec } from './codec.js';

const BYTES = 4;

/** The CRC-32C of all bytes before it, as little-endian uint32 at the end. @see Zarr v3, "CRC32C checksum codec" */
export function crc32cCodec(): BytesCodec {
  return {
    kind: 'bytes',
    encode(bytes) {
      const out = new Uint8Array(bytes.length + BYTES);
      out.set(bytes);
      new DataView(out.buffer).setUint32(bytes.length, crc32c(bytes), true);
      return out;
    },
    decode(bytes) {
      if (bytes.length < BYTES) throw new DataRefError('CORRUPT', `no room for a checksum in ${bytes.length} bytes`);
      const content = bytes.subarray(0, -BYTES);
      const said = new DataView(bytes.buffer, bytes.byteOffset + content.length, BYTES).getUint32(0, true);
      const found = crc32c(content);
      if (found !== said)
        throw new DataRefError('CORRUPT', `the checksum says ${hex(said)}, the bytes have ${hex(found)}`);
      return content;
    },
    encodedLength: ({ byteLength, isExact }) => ({ byteLength: byteLength + BYTES, isExact }),
  };
}

const hex = (sum: number) => sum.toString(16).padStart(8, '0');
