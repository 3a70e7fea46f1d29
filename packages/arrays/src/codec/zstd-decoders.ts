import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

/** @param most bytes that come out; more is an error, as soon as they do */
export type DecodeZstd = (bytes: Uint8Array, most: number) => Promise<Uint8Array>;

interface ZstdOptions {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}
type Callback = (error: Error | null, decoded: Uint8Array) => void;

/** Since Node 22.15. */
const { zstdDecompress } = zlib as {
  readonly zstdDecompress?: (bytes: Uint8Array, options: ZstdOptions, done: Callback) => void;
};

/** Node's own decoder, in a thread of Node's; undefined where this Node has none. */
export const nodeDecoder: DecodeZstd | undefined = zstdDecompress && decoderOfNode(promisify(zstdDecompress));

function decoderOfNode(decompress: (bytes: Uint8Array, options: ZstdOptions) => Promise<Uint8Array>): DecodeZstd {
  // One piece of memory takes it all.
  return (bytes, most) => decompress(bytes, { maxOutputLength: Math.max(1, most), chunkSize: Math.max(64, most + 1) });
}

let loading: Promise<DecodeZstd | undefined> | undefined;

/**
 * A native decoder for older Nodes, in a thread of Node's; undefined on machines that it was not built for. It does not stop
 * at `most`.
 */
export function nativeDecoder(): Promise<DecodeZstd | undefined> {
  loading ??= import('@mongodb-js/zstd').then(
    ({ decompress }) =>
      (bytes) =>
        decompress(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    () => undefined,
  );
  return loading;
}

/** Slower than all others, and everywhere: it copies byte by byte. It decodes as much as the frame says. */
export async function wasmDecoder(bytes: Uint8Array): Promise<Uint8Array> {
  const { default: Zstd } = await import('numcodecs/zstd');
  return Zstd.fromConfig({ id: 'zstd' }).decode(bytes);
}
