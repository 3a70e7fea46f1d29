import { DataRefError } from '@dataref/core';
import type { BytesCodec, ChunkForm, Length } from './codec.js';
import { integerOf } from './configuration.js';
import { checkSaid, damaged } from './damaged.js';
import { atMost } from './deflate.js';

const HEADER_BYTES = 16;
const FORMAT = 2;
/** In the header's flags: stored as it is, without blocks. */
const STORED = 2;
const SHUFFLES = ['noshuffle', 'shuffle', 'bitshuffle'];
const COMPRESSORS = ['blosclz', 'lz4', 'lz4hc', 'snappy', 'zlib', 'zstd'];

/** A buffer of Blosc 1. It takes elements for four bytes wide when it shuffles. @see Zarr v3, "blosc codec" */
export function blosc(configuration: Readonly<Record<string, unknown>>, form: ChunkForm): BytesCodec {
  const clevel = integerOf('blosc', configuration, 'clevel', 5, 0, 9);
  const blocksize = integerOf('blosc', configuration, 'blocksize', 0, 0, 2 ** 31 - 1);
  const cname = configuration['cname'] ?? 'lz4';
  if (!COMPRESSORS.includes(cname as string)) throw unknownOption('cname', cname, COMPRESSORS);
  const shuffle = shuffleOf(configuration['shuffle'] ?? 'shuffle', form);
  return {
    kind: 'bytes',
    async encode(bytes) {
      const { default: Blosc } = await import('numcodecs/blosc');
      return Blosc.fromConfig({ id: 'blosc', clevel, cname: cname as string, shuffle, blocksize }).encode(bytes);
    },
    async decode(bytes, expected) {
      checkHead(bytes, expected);
      const { default: Blosc } = await import('numcodecs/blosc');
      return Blosc.fromConfig({ id: 'blosc' }).decode(bytes);
    },
    encodedLength: atMost((byteLength) => byteLength + HEADER_BYTES),
  };
}

/** By name, as in Zarr v3, or by number, as in v2, where −1 leaves it to the width of elements. */
function shuffleOf(shuffle: unknown, { dtype }: ChunkForm): number {
  if (shuffle === -1) return dtype.endsWith('8') || dtype === 'bool' ? 2 : 1;
  const number = typeof shuffle === 'number' ? shuffle : SHUFFLES.indexOf(shuffle as string);
  if (number in SHUFFLES) return number;
  throw unknownOption('shuffle', shuffle, SHUFFLES);
}

/** What blosc itself would follow: its C code reads where the head says, beyond what it was given. */
function checkHead(bytes: Uint8Array, expected: Length): void {
  if (bytes.length < HEADER_BYTES) throw damaged(`no room for the head of Blosc in ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [format, flags] = [view.getUint8(0), view.getUint8(2)];
  const [decoded, blockBytes, encoded] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
  if (format !== FORMAT) throw damaged(`version ${format} of Blosc's format, expected ${FORMAT}`);
  checkSaid(decoded, expected);
  if (encoded !== bytes.length) throw damaged(`Blosc says that it has ${encoded} bytes, it has ${bytes.length}`);
  if (decoded === 0) return;
  if ((flags & STORED) !== 0) {
    if (encoded !== decoded + HEADER_BYTES) throw damaged(`Blosc stored ${decoded} bytes in ${encoded}`);
    return;
  }
  const blocks = Math.ceil(decoded / blockBytes);
  const start = HEADER_BYTES + 4 * blocks;
  if (blockBytes === 0 || start > encoded) throw damaged(`no room for ${blocks} blocks of Blosc`);
  for (let at = HEADER_BYTES; at < start; at += 4) {
    const place = view.getUint32(at, true);
    if (place < start || place > encoded - 4) throw damaged(`a block of Blosc at ${place} of ${encoded} bytes`);
  }
}

function unknownOption(name: string, value: unknown, known: readonly string[]): DataRefError {
  const message = `codec blosc: ${name} must be one of ${known.join(', ')}, got ${JSON.stringify(value)}`;
  return new DataRefError('CORRUPT', message, { details: { [name]: value } });
}
