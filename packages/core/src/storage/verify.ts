import { crc32 } from '../checksum/crc32.js';
import { DataRefError, isDataRefError } from '../errors.js';
import { corrupt } from '../format/head.js';
import { hasHeadFile } from '../format/layout.js';
import type { Manifest } from '../format/manifest.js';
import { partName } from '../format/part-name.js';
import { leavesOf } from '../schema/schema.js';
import type { ObjectStore } from '../store/object-store.js';

const SLICE_BYTES = 4 * 2 ** 20;

/** Reads every file of a generation and compares its size and checksum. @returns one error for each file that is wrong */
export async function verifyParts(
  store: ObjectStore,
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
  report: (parts: number) => void,
): Promise<DataRefError[]> {
  const problems: DataRefError[] = [];
  const check = async (key: string, byteLength: number, checksum: number): Promise<void> => {
    try {
      await verifyFile(store, key, byteLength, checksum, signal);
    } catch (error) {
      if (!isDataRefError(error)) throw error;
      problems.push(error);
    }
  };
  const hasHeads = hasHeadFile(leavesOf(manifest.schema));
  for (const [i, part] of manifest.parts.entries()) {
    const key = `${folder}${partName(i)}`;
    await check(`${key}.arrow`, part.byteLength, part.crc32);
    if (hasHeads) await check(`${key}.head`, part.headBytes, part.headCrc32);
    report(i + 1);
  }
  return problems;
}

async function verifyFile(
  store: ObjectStore,
  key: string,
  byteLength: number,
  checksum: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = await store.open(key, { signal });
  if (reader === undefined) throw new DataRefError('CORRUPT', `${key}: the file is missing`, { details: { key } });
  try {
    if (reader.byteLength !== byteLength) throw corrupt(key, `has ${reader.byteLength} bytes, expected ${byteLength}`);
    const slice = new Uint8Array(Math.min(SLICE_BYTES, byteLength));
    let crc = 0;
    for (let at = 0; at < byteLength; at += slice.length) {
      signal?.throwIfAborted();
      const piece = slice.subarray(0, Math.min(slice.length, byteLength - at));
      await reader.read(piece, at);
      crc = crc32(piece, crc);
    }
    if (crc !== checksum) throw corrupt(key, 'its checksum is wrong');
  } finally {
    await reader.close();
  }
}
