import { startSha256 } from '#sha256';
import { DataRefError } from '../errors.js';
import { isThenable, orAbort } from '../or-abort.js';
import { allocateFresh, valueAt, type ColumnData } from '../schema/column-data.js';
import { leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import { ChosenRows, chosenFrom } from './derived-rows.js';
import { allColumns, indexArray, type IndexArray, type RowSource } from './row-source.js';

/** Records read at a time. */
const BLOCK = 1024;

/** The indices of the records for which a predicate says true, in order. */
export async function matchingIndices(
  rows: RowSource,
  predicate: (record: any, index: number) => unknown,
  signal: AbortSignal | undefined,
  report: (records: number) => void,
): Promise<IndexArray> {
  const found: number[] = [];
  const release = rows.hold();
  try {
    for (let start = 0; start < rows.length; start += BLOCK) {
      signal?.throwIfAborted();
      const indices = indexArray(Math.min(BLOCK, rows.length - start), rows.length);
      for (let i = 0; i < indices.length; i++) indices[i] = start + i;
      const request = { columns: allColumns(leavesOf(rows.schema)), allocate: allocateFresh, signal };
      const columns = await rows.read(indices, request);
      for (let i = 0; i < indices.length; i++) {
        const record = assemble(rows.schema, (leaf) => valueAt(columns[leaf] as ColumnData, i));
        if (await holds(predicate, record, start + i, signal)) found.push(start + i);
      }
      report(start + indices.length);
    }
  } finally {
    await release();
  }
  const indices = indexArray(found.length, rows.length);
  indices.set(found);
  return indices;
}

/** Rows of a source by their indices, in this order. Its fingerprint is of the indices, however they were found. */
export function selectedRows(source: RowSource, indices: IndexArray): RowSource {
  const hash = startSha256();
  hash.update(new Uint8Array(Float64Array.from(indices).buffer));
  const rule = `rows ${indices.length} ${hash.hex()}`;
  return new ChosenRows(source, indices.length, rule, chosenFrom(indices, source.length));
}

async function holds(
  predicate: (record: any, index: number) => unknown,
  record: unknown,
  index: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const answer = predicate(record, index);
    return Boolean(isThenable(answer) ? await orAbort(answer, signal) : answer);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new DataRefError('MAP_FAILED', `where failed on record ${index}: ${problem}`, {
      cause: error,
      details: { index },
    });
  }
}
