import { createReadStream } from 'node:fs';
import { pipeline, type Duplex, type Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { DataRefError, isDataRefError } from '@dataref/core';
import type { FileCompression } from './file-format.js';

const READ_AT_ONCE = 1 << 20;

/**
 * A file's bytes from its beginning, decompressed.
 * @throws DataRefError CORRUPT for what is not compressed as its name says, or cut short; STORE_FAILED; NOT_FOUND
 */
export async function* readBytes(
  path: string,
  compression: FileCompression | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_AT_ONCE });
  const bytes: Readable = compression === undefined ? file : decompressed(file, compression, path);
  try {
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      yield chunk as Buffer;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw fileError(path, error, compression);
  } finally {
    file.destroy();
    bytes.destroy();
  }
}

function decompressed(file: Readable, compression: FileCompression, path: string): Duplex {
  const stream = decompressor(compression, path);
  return pipeline(file, stream, () => undefined); // its error reaches who reads
}

function decompressor(compression: FileCompression, path: string): Duplex {
  const options = { chunkSize: 256 << 10 };
  if (compression === 'gzip') return zlib.createGunzip(options);
  if (compression === 'brotli') return zlib.createBrotliDecompress(options);
  const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: (options: object) => Duplex };
  if (createZstdDecompress !== undefined) return createZstdDecompress(options);
  throw new DataRefError(
    'UNSUPPORTED',
    `${path}: Node ${process.versions.node} does not read Zstandard; Node 22.15 and later do, or decompress the file first`,
    { details: { file: path } },
  );
}

/** What went wrong with a file, as an error of ours. */
export function fileError(path: string, error: unknown, compression?: FileCompression): DataRefError {
  if (isDataRefError(error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const details = { file: path, errno: code };
  if (code === 'ENOENT')
    return new DataRefError('NOT_FOUND', `${path}: there is no such file`, { cause: error, details });
  if (compression !== undefined && /^(?:Z_|ERR_|ZSTD_|ERR__)/u.test(code ?? ''))
    return new DataRefError(
      'CORRUPT',
      `${path}: is not the ${compression} that its name says, or was cut short: ${message}`,
      {
        cause: error,
        details,
      },
    );
  return new DataRefError('STORE_FAILED', `${path}: cannot be read: ${message}`, { cause: error, details });
}
