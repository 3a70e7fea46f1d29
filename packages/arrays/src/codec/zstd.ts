import type { BytesCodec } from './codec.js';
import { integerOf } from './configuration.js';
import { checkSaid } from './damaged.js';
import { atMost } from './deflate.js';
import { nativeDecoder, nodeDecoder, wasmDecoder } from './zstd-decoders.js';
import { decodedLengthOf } from './zstd-frame.js';

/** A frame of Zstandard. @see Zarr v3 extensions, "zstd codec"; RFC 8878 */
export function zstd(configuration: Readonly<Record<string, unknown>>): BytesCodec {
  const level = integerOf('zstd', configuration, 'level', 3, -131072, 22);
  return {
    kind: 'bytes',
    async encode(bytes) {
      const { default: Zstd } = await import('numcodecs/zstd');
      return Zstd.fromConfig({ id: 'zstd', level: level === 0 ? 3 : level }).encode(bytes); // 0 is Zstandard's default
    },
    async decode(bytes, expected) {
      const { said, most } = decodedLengthOf(bytes);
      const leeway = { byteLength: LEEWAY * expected.byteLength + MOST_OF_A_BLOCK, isExact: false };
      if (said !== undefined) checkSaid(said, expected);
      else checkSaid(most, leeway);
      if (nodeDecoder !== undefined) return nodeDecoder(bytes, Math.min(said ?? most, expected.byteLength));
      const decode = most <= leeway.byteLength ? await nativeDecoder() : undefined;
      return (decode ?? wasmDecoder)(bytes, expected.byteLength);
    },
    encodedLength: atMost((byteLength) => byteLength + (byteLength >> 8) + 128),
  };
}

/** Bytes that a block decodes to, at most. */
const MOST_OF_A_BLOCK = 2 ** 17;
/** How many times as long as they should be blocks may prove at most, where it is not the frame's head that limits them. */
const LEEWAY = 16;
