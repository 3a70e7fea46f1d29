import type { BytesCodec } from './codec.js';
import { integerOf } from './configuration.js';
import { checkSaid } from './damaged.js';
import { atMost } from './deflate.js';
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
      const { isSaid, byteLength } = decodedLengthOf(bytes);
      if (isSaid) checkSaid(byteLength, expected);
      else checkSaid(byteLength, { byteLength: LEEWAY * expected.byteLength + MOST_OF_A_BLOCK, isExact: false });
      const { default: Zstd } = await import('numcodecs/zstd');
      return Zstd.fromConfig({ id: 'zstd' }).decode(bytes);
    },
    encodedLength: atMost((byteLength) => byteLength + (byteLength >> 8) + 128),
  };
}

/** Bytes that a block decodes to, at most. */
const MOST_OF_A_BLOCK = 2 ** 17;
/** Where a frame does not say its length, how many times as long as it should be its blocks may prove at most. */
const LEEWAY = 16;
