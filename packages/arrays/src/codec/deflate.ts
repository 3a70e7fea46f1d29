import { deflate, gunzip, gzip as gzipBytes, inflate, type InputType, type ZlibOptions } from 'node:zlib';
import { promisify } from 'node:util';
import type { BytesCodec, CodecMaker, Length } from './codec.js';
import { integerOf } from './configuration.js';

/** Times that deflate makes bytes shorter at most. */
const MOST_GROWTH = 1032;

type Compress = (bytes: InputType, options: ZlibOptions) => Promise<Uint8Array>;

/** RFC 1952, in a thread of Node's. @see Zarr v3, "gzip codec" */
export const gzip = deflateCodec('gzip', promisify(gzipBytes), promisify(gunzip));
/** RFC 1950, in a thread of Node's. @see numcodecs' Zlib */
export const zlib = deflateCodec('zlib', promisify(deflate), promisify(inflate));

function deflateCodec(name: string, compress: Compress, decompress: Compress): CodecMaker {
  return (configuration): BytesCodec => {
    const level = integerOf(name, configuration, 'level', 6, -1, 9);
    return {
      kind: 'bytes',
      encode: (bytes) => compress(bytes, { level }),
      decode: (bytes, { byteLength }) =>
        decompress(bytes, {
          maxOutputLength: Math.max(1, byteLength),
          // One piece of memory takes it all, and is no longer than so many bytes can become.
          chunkSize: Math.max(64, Math.min(byteLength, MOST_GROWTH * bytes.length) + 1),
        }),
      encodedLength: atMost((byteLength) => byteLength + (byteLength >> 10) + 64),
    };
  };
}

/** Of a compressor: anything up to what it makes of bytes that do not compress. */
export function atMost(worst: (byteLength: number) => number): (length: Length) => Length {
  return ({ byteLength }) => ({ byteLength: worst(byteLength), isExact: false });
}
