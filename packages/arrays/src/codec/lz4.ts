import type { BytesCodec } from './codec.js';
import { integerOf } from './configuration.js';
import { checkSaid, damaged } from './damaged.js';
import { atMost } from './deflate.js';
import { decodeLz4Block } from './lz4-block.js';

const HEADER_BYTES = 4;

/** A block of LZ4 after its decoded length, as little-endian uint32. @see numcodecs' LZ4 */
export function lz4(configuration: Readonly<Record<string, unknown>>): BytesCodec {
  const acceleration = integerOf('lz4', configuration, 'acceleration', 1, -(2 ** 31), 2 ** 31 - 1);
  return {
    kind: 'bytes',
    async encode(bytes) {
      const { default: LZ4 } = await import('numcodecs/lz4');
      return LZ4.fromConfig({ id: 'lz4', acceleration }).encode(bytes);
    },
    decode(bytes, expected, into) {
      if (bytes.length < HEADER_BYTES) throw damaged(`no room for its length in ${bytes.length} bytes`);
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      checkSaid(length, expected);
      return decodeLz4Block(bytes.subarray(HEADER_BYTES), length, into);
    },
    encodedLength: atMost((byteLength) => byteLength + Math.ceil(byteLength / 255) + 16 + HEADER_BYTES),
  };
}
