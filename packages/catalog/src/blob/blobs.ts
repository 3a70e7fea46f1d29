import { DataRefError } from '@dataref/core';
import { orAbort, startSha256 } from '@dataref/core/adapter';
import type { IoOptions, ObjectReader, ObjectStore } from '@dataref/core/store';
import type { BlobVersion } from '../record/types.js';

const PIECE_BYTES = 4 * 2 ** 20;

/** Writes pieces as one object; nothing is there before all is. @returns its size, and `sha256:` with the hash of its bytes */
export async function writeBlob(
  store: ObjectStore,
  key: string,
  pieces: AsyncGenerator<Uint8Array>,
  { signal }: IoOptions,
): Promise<Pick<BlobVersion, 'byteLength' | 'fingerprint'>> {
  const writer = await store.create(key, { signal });
  const hash = startSha256();
  let byteLength = 0;
  try {
    for (;;) {
      const next = await orAbort(pieces.next(), signal);
      if (next.done === true) break;
      const written = writer.write(next.value);
      hash.update(next.value);
      byteLength += next.value.length;
      await written;
    }
    signal?.throwIfAborted();
    await writer.commit();
  } catch (error) {
    void pieces.return(undefined).catch(() => undefined); // one that waits for its next piece answers only then
    await writer.abort().catch(() => undefined);
    throw error;
  }
  return { byteLength, fingerprint: `sha256:${hash.hex()}` };
}

/** All bytes of a blob, compared with its hash. @throws DataRefError CORRUPT; MEMORY_LIMIT where no array has room for them */
export async function readBlob(
  store: ObjectStore,
  blob: BlobVersion,
  what: string,
  options: IoOptions,
): Promise<Uint8Array> {
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  for await (const piece of blobPieces(store, blob, what, options)) {
    if (at === 0) bytes = roomFor(blob.byteLength, what); // by now it is known to have so many
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function roomFor(byteLength: number, what: string): Uint8Array {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new DataRefError('MEMORY_LIMIT', `${what} has ${byteLength} bytes, too many for one array: use blobStream`, {
      cause,
    });
  }
}

/**
 * The bytes of a blob, piece by piece. The last piece is handed out once all of them had the right hash.
 * @throws DataRefError CORRUPT
 */
export async function* blobPieces(
  store: ObjectStore,
  { key, byteLength, fingerprint }: BlobVersion,
  what: string,
  { signal }: IoOptions,
): AsyncGenerator<Uint8Array> {
  const reader = await openBlob(store, key, what, { signal });
  const hash = startSha256();
  try {
    if (reader.byteLength !== byteLength)
      throw damaged(what, key, `has ${reader.byteLength} bytes, it was saved with ${byteLength}`);
    for (let start = 0; start < byteLength; start += PIECE_BYTES) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, byteLength - start));
      await orAbort(reader.read(piece, start, { signal }), signal);
      hash.update(piece);
      if (start + piece.length === byteLength && `sha256:${hash.hex()}` !== fingerprint)
        throw damaged(what, key, 'has other bytes than were saved');
      yield piece;
    }
  } finally {
    await reader.close();
  }
}

async function openBlob(store: ObjectStore, key: string, what: string, options: IoOptions): Promise<ObjectReader> {
  const reader = await store.open(key, options);
  if (reader !== undefined) return reader;
  throw damaged(what, key, 'is gone');
}

function damaged(what: string, key: string, problem: string): DataRefError {
  return new DataRefError('CORRUPT', `${what}: ${key} ${problem}; save it again`, { details: { key } });
}
