import type { TextRow, TextUnit } from './text-source.js';

/** A unit is about so large, in characters or bytes: large enough to be worth a file, small enough to be kept. */
export const UNIT_SIZE = 4 << 20;
/** Rows of a unit where they are read by their number. */
export const UNIT_ROWS = 4096;
/** Rows that are handed on at once. */
const ROWS_AT_ONCE = 1024;
/** What a row weighs beside its text, so that units of empty rows end too. */
const ROW_SIZE = 16;

/** A unit whose rows are at hand. */
export function unitOfRows(id: string, rows: readonly TextRow[]): TextUnit {
  return {
    id,
    async *rows({ signal }) {
      for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
        signal?.throwIfAborted();
        yield rows.slice(start, start + ROWS_AT_ONCE);
      }
    },
  };
}

/** Units of rows that can only be read in turn: each is read whole before it is given. */
export async function* unitsInTurn(
  idPrefix: string,
  rows: AsyncIterable<readonly TextRow[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextUnit> {
  let unit: TextRow[] = [];
  let size = 0;
  let count = 0;
  for await (const some of rows) {
    signal?.throwIfAborted();
    for (const row of some) {
      unit.push(row);
      size += ROW_SIZE;
      for (const text of row) size += text?.length ?? 0;
      if (size < UNIT_SIZE) continue;
      yield unitOfRows(`${idPrefix}${count++}`, unit);
      unit = [];
      size = 0;
    }
  }
  if (unit.length > 0) yield unitOfRows(`${idPrefix}${count}`, unit);
}
