/** Some positions of an item, in a row. */
export interface Placed {
  readonly item: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Items put into rows of `length` positions so that little room is left: the longest first, each into the row that it
 * fills best. An item is only cut where it is longer than a row: full rows of its own, and a rest that is placed like
 * any other. Rows, and items in a row, come in the order of their first item.
 * @param lengths positions of each item; those of 0 are left out
 * @see Ding et al., "Fewer Truncations Improve Language Modeling" (2024)
 */
export function bestFitRows(lengths: readonly number[], length: number): Placed[][] {
  const rows: Placed[][] = [];
  const pieces: Placed[] = [];
  for (const [item, itemLength] of lengths.entries()) {
    let start = 0;
    for (; itemLength - start >= length; start += length) rows.push([{ item, start, end: start + length }]);
    if (start < itemLength) pieces.push({ item, start, end: itemLength });
  }
  pieces.sort((a, b) => b.end - b.start - (a.end - a.start) || a.item - b.item);
  /** Open rows by the room that they have left. */
  const open = new Map<number, Placed[][]>();
  let widest = 0;
  for (const piece of pieces) {
    const size = piece.end - piece.start;
    let room = size;
    while (room <= widest && (open.get(room)?.length ?? 0) === 0) room++;
    let row: Placed[];
    if (room <= widest) {
      row = open.get(room)?.pop() as Placed[];
      row.push(piece);
    } else {
      room = length;
      row = [piece];
      rows.push(row);
    }
    const rest = open.get(room - size);
    if (rest === undefined) open.set(room - size, [row]);
    else rest.push(row);
    widest = Math.max(widest, room - size);
  }
  for (const row of rows) row.sort((a, b) => a.item - b.item || a.start - b.start);
  return rows.sort((a, b) => {
    const [first, second] = [a[0] as Placed, b[0] as Placed];
    return first.item - second.item || first.start - second.start;
  });
}
