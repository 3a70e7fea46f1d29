import { locateRows } from '../format/plan.js';
import { allocateFresh, gatherColumn, type ColumnData } from '../schema/column-data.js';
import { concatColumns } from '../schema/concat-columns.js';
import { convertColumn } from './convert.js';
import type { IndexArray, ReadRequest } from './row-source.js';
import type { StoredParts } from './stored-parts.js';

/** Reads rows with the heads of their parts; where these do not fit the memory together, group by group, one read at a time. */
export async function readInGroups(
  parts: StoredParts,
  indices: IndexArray,
  request: ReadRequest,
  read: (indices: IndexArray, request: ReadRequest) => Promise<ColumnData[]>,
): Promise<ColumnData[]> {
  const located = locateRows(parts.table, indices);
  const groups = parts.groupsByHeads(located.distinct);
  if (groups.length <= 1) return read(indices, request);
  const rowsOf = new Map<number, number[]>();
  const groupRows = groups.map((numbers) => {
    const rows: number[] = [];
    for (const number of numbers) rowsOf.set(number, rows);
    return rows;
  });
  located.parts.forEach((part, row) => rowsOf.get(part)?.push(row));
  const asStored = { ...request, columns: request.columns.map(({ leaf }) => ({ leaf })), allocate: allocateFresh };
  const pieces = await parts.inTurn(async () => {
    const done: ColumnData[][] = [];
    for (const rows of groupRows) {
      request.signal?.throwIfAborted();
      done.push(
        await read(
          Float64Array.from(rows, (row) => indices[row] as number),
          asStored,
        ),
      );
    }
    return done;
  });
  const order = new Uint32Array(indices.length);
  groupRows.flat().forEach((row, at) => (order[row] = at));
  return request.columns.map(({ to }, i) => {
    const joined = concatColumns(pieces.map((columns) => columns[i] as ColumnData));
    if (to === undefined) return gatherColumn(joined, order, request.allocate);
    const column = gatherColumn(joined, order, allocateFresh);
    return convertColumn(column, to, request.allocate, (row) => indices[row] as number);
  });
}
