import type { DataRef } from '@dataref/core';
import { encodeManifest } from '../../dist/format/manifest.js';
import { PartWriter } from '../../dist/format/part-writer.js';
import { rowsOf } from '../../dist/dataset/make.js';
import { allColumns } from '../../dist/rows/row-source.js';
import { allocateFresh } from '../../dist/schema/column-data.js';
import { leavesOf } from '../../dist/schema/schema.js';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import type { ObjectStore } from '../../dist/store/object-store.js';

export type Reading = 'resident' | 'positional';

/** A storage over a store whose streams read from memory where that is possible, or never, or within so many bytes. */
export function storageOver(store: ObjectStore, reading: Reading | number): DatasetStorage {
  const limitBytes = typeof reading === 'number' ? reading : reading === 'resident' ? 2 ** 28 : 0;
  let made = 0;
  return new DatasetStorage({
    store,
    identity: { self: () => 'test', isRunning: () => true },
    budget: { limitBytes, isExplicit: true, usedBytes: 0 },
    verifyReads: reading === 'positional',
    nonce: () => (made++).toString(16).padStart(16, '0'),
  });
}

/** Stores a dataset with `partRecords` records a part, far below what submit would put into one. */
export async function storeInParts(
  store: ObjectStore,
  data: DataRef,
  id: string,
  version: string,
  partRecords: number,
): Promise<void> {
  const rows = rowsOf(data);
  const generation = '0123456789abcdef';
  const writer = new PartWriter(store, `${id}/${version}/data/${generation}/`, rows.schema, {});
  let start = 0;
  do {
    const end = Math.min(rows.length, start + partRecords);
    const indices = Uint32Array.from({ length: end - start }, (_, i) => start + i);
    await writer.write(
      await rows.read(indices, { columns: allColumns(leavesOf(rows.schema)), allocate: allocateFresh }),
    );
    start = end;
  } while (start < rows.length);
  const { schema, length } = rows;
  const { parts, byteLength, fingerprint } = writer;
  const createdAt = '2024-01-01T00:00:00.000Z';
  const manifest = { id, version, createdAt, schema, length, byteLength, fingerprint, generation, parts };
  await store.put(`${id}/${version}/dataset.json`, encodeManifest(manifest));
}
