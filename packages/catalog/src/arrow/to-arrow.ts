import type { RecordBatch, Table as ArrowTable } from 'apache-arrow';
import { allocateFresh, encodeArrowPart, lazyPackage, leavesOf, type RowSource } from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';

const RECORDS_AT_ONCE = 65_536;

export const loadArrow: () => Promise<typeof import('apache-arrow')> = lazyPackage(
  'apache-arrow',
  () => import('apache-arrow'),
  'Arrow tables need apache-arrow: npm i apache-arrow',
);

/** Rows as an Arrow table in memory, its columns as those of the stored parts. */
export async function toArrow(rows: RowSource, { signal }: IoOptions): Promise<ArrowTable> {
  const arrow = await loadArrow();
  const columns = leavesOf(rows.schema).map((_, leaf) => ({ leaf }));
  const batches: RecordBatch[] = [];
  const release = rows.hold();
  try {
    for (let start = 0; start < rows.length || batches.length === 0; start += RECORDS_AT_ONCE) {
      signal?.throwIfAborted();
      const indices = Uint32Array.from({ length: Math.min(RECORDS_AT_ONCE, rows.length - start) }, (_, i) => start + i);
      const read = await rows.read(indices, { columns, allocate: allocateFresh, signal });
      const { chunks } = await encodeArrowPart(rows.schema, read);
      batches.push(...arrow.tableFromIPC(joinedBytes(chunks)).batches);
    }
  } finally {
    await release();
  }
  return new arrow.Table(batches);
}

function joinedBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
