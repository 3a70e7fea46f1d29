import { Fingerprint } from '../checksum/fingerprint.js';
import { DataRefError } from '../errors.js';
import { decodeHead, type PartHead } from '../format/head.js';
import { hasHeadFile } from '../format/layout.js';
import type { Manifest, PartInfo } from '../format/manifest.js';
import { partPaths } from '../format/part-files.js';
import { readAgain } from '../rows/read-again.js';
import { arrayType } from '../schema/dtypes.js';
import { leavesOf } from '../schema/schema.js';
import type { ObjectStore } from '../store/object-store.js';
import { inOrder } from './at-once.js';

/** Heads may be as large as parts. */
const HEADS_AT_ONCE = 3;

/**
 * The fingerprint of the records that lie in parts, from their heads alone: those have all that is hashed.
 * @param folder prefix of the dataset's generations
 * @throws DataRefError CORRUPT where a head is missing or damaged
 */
export async function fingerprintOfHeads(
  store: ObjectStore,
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const leaves = leavesOf(manifest.schema);
  const hasHeads = hasHeadFile(leaves);
  const pathOf = partPaths(manifest);
  const read = async (part: PartInfo, i: number): Promise<PartHead> => {
    const key = `${folder}${pathOf(i)}.${hasHeads ? 'head' : 'arrow'}`;
    const bytes = new Uint8Array(part.headBytes);
    if (bytes.length > 0) {
      const reader = await store.open(key, { byteLength: hasHeads ? part.headBytes : part.byteLength, signal });
      if (reader === undefined) throw new DataRefError('CORRUPT', `${key}: the file is missing`, { details: { key } });
      try {
        await reader.read(bytes, hasHeads ? 0 : part.bodyStart, { signal });
      } finally {
        await reader.close();
      }
    }
    return decodeHead(leaves, part, bytes, key);
  };
  const readWell = (part: PartInfo, i: number) => readAgain(true, () => read(part, i));
  const fingerprint = new Fingerprint(manifest.schema);
  let at = 0;
  for await (const { columns, checksums } of inOrder(manifest.parts, HEADS_AT_ONCE, readWell)) {
    signal?.throwIfAborted();
    const { records } = manifest.parts[at++] as PartInfo;
    const whole = leaves.map(
      (leaf, i) => columns[i] ?? { leaf, length: records, data: new (arrayType(leaf.dtype))(0) },
    );
    fingerprint.add(whole, checksums);
  }
  return fingerprint.digest();
}
