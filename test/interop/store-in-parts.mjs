// A dataset in parts of few rows, as submit writes them but for their size.
import { fromRecords } from '@dataref/core';
import { rowsOf } from '../../packages/core/dist/dataset/make.js';
import { encodeManifest } from '../../packages/core/dist/format/manifest.js';
import { PartWriter } from '../../packages/core/dist/format/part-writer.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';

/** Stores records in parts of the given numbers of rows, and gives the fingerprint back. */
export async function storeInParts(folder, id, schema, records, sizes) {
  const dataref = await fromRecords(records, { schema });
  const store = new FileStore(folder);
  const generation = '0'.repeat(16);
  const writer = new PartWriter(store, `${id}/1.0/data/${generation}/`, schema, {});
  let start = 0;
  for (const size of sizes) {
    await writer.write(rowsOf(dataref).slice(start, start + size));
    start += size;
  }
  const { parts, byteLength, fingerprint } = writer;
  if (start !== records.length || fingerprint !== dataref.fingerprint) throw new Error(`${id}: ${fingerprint}`);
  const createdAt = new Date().toISOString();
  const length = records.length;
  const manifest = { id, version: '1.0', createdAt, schema, length, byteLength, fingerprint, generation, parts };
  await store.put(`${id}/1.0/dataset.json`, encodeManifest(manifest));
  return fingerprint;
}
