import { crc32 } from '../checksum/crc32.js';
import { DataRefError, isDataRefError } from '../errors.js';
import { checkArrowMetadata, metadataBytes } from '../format/arrow-metadata.js';
import { corrupt } from '../format/head.js';
import type { Manifest, PartInfo } from '../format/manifest.js';
import { partFiles, type PartFile } from '../format/part-files.js';
import { readAgain } from '../rows/read-again.js';
import type { ObjectStore } from '../store/object-store.js';
import { eachAtOnce } from './at-once.js';
import { fingerprintOfHeads } from './heads-fingerprint.js';

/** Files that are read at once, slice by slice. */
const FILES_AT_ONCE = 4;
const SLICE_BYTES = 4 * 2 ** 20;

/**
 * Reads every file of a dataset, compares its size and checksum, what Arrow files say of themselves with the manifest, and the records with its
 * fingerprint.
 * @param folder prefix of the dataset's generations
 * @returns one error for each file that is wrong, in the parts' order; or one where files that are right are of other records
 */
export async function verifyParts(
  store: ObjectStore,
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
  report: (parts: number) => void,
): Promise<DataRefError[]> {
  const problems: (DataRefError | undefined)[] = [];
  const files = partFiles(manifest);
  const filesOfPart = files.length / Math.max(1, manifest.parts.length);
  const left = manifest.parts.map(() => filesOfPart);
  let done = 0;
  await eachAtOnce(
    files,
    FILES_AT_ONCE,
    async (file, i) => {
      try {
        const key = `${folder}${file.path}`;
        await readAgain(true, () => verifyFile(store, key, file, signal));
        if (file.kind === 'arrow') await readAgain(true, () => checkMetadata(store, key, manifest, file, signal));
      } catch (error) {
        if (signal?.aborted === true || !isDataRefError(error)) throw error;
        problems[i] = error;
      }
      left[file.part] = (left[file.part] as number) - 1;
      if (left[file.part] === 0) report(++done);
    },
    signal,
  );
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) return found;
  const other = await fingerprintProblem(store, folder, manifest, signal);
  return other === undefined ? [] : [other];
}

/** Whether all records together, whose files are whole each, are those that the manifest names. */
async function fingerprintProblem(
  store: ObjectStore,
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<DataRefError | undefined> {
  try {
    const fingerprint = await fingerprintOfHeads(store, folder, manifest, signal);
    if (fingerprint === manifest.fingerprint) return undefined;
    return corrupt(folder, `its records have the fingerprint ${fingerprint}, not ${manifest.fingerprint}`);
  } catch (error) {
    if (signal?.aborted === true || !isDataRefError(error)) throw error;
    return error;
  }
}

async function verifyFile(
  store: ObjectStore,
  key: string,
  { byteLength, crc32: expected }: PartFile,
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
      await reader.read(piece, at, { signal });
      crc = crc32(piece, crc);
    }
    if (crc !== expected) throw corrupt(key, 'its checksum is wrong');
  } finally {
    await reader.close();
  }
}

/** Whether an Arrow file is the one that the manifest tells of. @throws DataRefError CORRUPT */
async function checkMetadata(
  store: ObjectStore,
  key: string,
  { schema, parts }: Manifest,
  { part, byteLength }: PartFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const info = parts[part] as PartInfo;
  const bytes = new Uint8Array(metadataBytes(info, key));
  const reader = await store.open(key, { byteLength, signal });
  if (reader === undefined) throw new DataRefError('CORRUPT', `${key}: the file is missing`, { details: { key } });
  try {
    await reader.read(bytes, 0, { signal });
  } finally {
    await reader.close();
  }
  checkArrowMetadata(schema, info, bytes, key);
}
