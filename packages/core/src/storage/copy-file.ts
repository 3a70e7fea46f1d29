import { crc32 } from '../checksum/crc32.js';
import { DataRefError } from '../errors.js';
import { corrupt } from '../format/head.js';
import { readAgain } from '../rows/read-again.js';
import type { ObjectStore } from '../store/object-store.js';

const SLICE_BYTES = 4 * 2 ** 20;

/** So many bytes of a file that are looked at once all of it is right. */
export interface Beginning {
  readonly byteLength: number;
  /** @throws DataRefError CORRUPT, where the file should not be copied */
  readonly check: (bytes: Uint8Array) => void;
}

/** One object on its way. */
export interface FileCopy {
  readonly source: ObjectStore;
  readonly from: string;
  readonly target: ObjectStore;
  readonly to: string;
  readonly expected: { readonly byteLength: number; readonly crc32: number };
  readonly beginning?: Beginning | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Copies one object, slice by slice; it is there once all of it has the right checksum.
 * @throws DataRefError CORRUPT, GENERATION_GONE where the source is not there
 */
export async function copyFile(copy: FileCopy): Promise<void> {
  let most = 0;
  await readAgain(true, () => {
    let copied = 0;
    const onBytes = (bytes: number): void => {
      copied += bytes;
      // What is copied again does not count again.
      if (copied > most) copy.onBytes(copied - most);
      most = Math.max(most, copied);
    };
    return copyOnce({ ...copy, onBytes });
  });
}

async function copyOnce({ source, from, target, to, expected, beginning, signal, onBytes }: FileCopy): Promise<void> {
  const { byteLength } = expected;
  const reader = await source.open(from, { byteLength, signal });
  if (reader === undefined)
    throw new DataRefError('GENERATION_GONE', `${from}: the file is missing`, { details: { key: from } });
  try {
    if (reader.byteLength !== byteLength) throw corrupt(from, `has ${reader.byteLength} bytes, expected ${byteLength}`);
    const writer = await target.create(to, { signal });
    const read = async (position: number): Promise<Uint8Array> => {
      const slice = new Uint8Array(Math.min(SLICE_BYTES, byteLength - position));
      if (slice.length > 0) await reader.read(slice, position, { signal });
      return slice;
    };
    const first = new Uint8Array(beginning?.byteLength ?? 0);
    let next = read(0);
    try {
      let crc = 0;
      for (let position = 0; position < byteLength;) {
        signal?.throwIfAborted();
        const slice = await next;
        if (position < first.length) first.set(slice.subarray(0, first.length - position), position);
        position += slice.length;
        next = read(position); // while this one is written
        next.catch(() => undefined); // it is waited for below, unless writing fails first
        crc = crc32(slice, crc);
        await writer.write(slice);
        onBytes(slice.length);
      }
      if (crc !== expected.crc32) throw corrupt(from, 'its checksum is wrong');
      beginning?.check(first);
      await writer.commit();
    } catch (error) {
      await next.catch(() => undefined); // nothing reads on behind a closed reader
      await writer.abort();
      throw error;
    }
  } finally {
    await reader.close();
  }
}
