import type { TextRow, TextUnit } from '../source/text-source.js';

/** What is encoded at a time: enough that handing it to a thread costs little, and little enough to hold a few. */
const CHUNK_CHARACTERS = 128 * 1024;
const CHUNK_ROWS = 2048;

/** Some rows of one unit, in their order; the last ones of it have `isLast`, and may be none. */
export interface RowChunk {
  readonly unit: TextUnit;
  readonly rows: readonly TextRow[];
  readonly isLast: boolean;
}

/** The rows of units, cut into chunks of like size. */
export async function* rowChunks(
  units: AsyncIterable<TextUnit>,
  signal: AbortSignal | undefined,
): AsyncGenerator<RowChunk> {
  for await (const unit of units) {
    let rows: TextRow[] = [];
    let characters = 0;
    for await (const some of unit.rows({ signal })) {
      signal?.throwIfAborted();
      for (const row of some) {
        rows.push(row);
        for (const text of row) characters += text?.length ?? 0;
        if (rows.length < CHUNK_ROWS && characters < CHUNK_CHARACTERS) continue;
        yield { unit, rows, isLast: false };
        rows = [];
        characters = 0;
      }
    }
    yield { unit, rows, isLast: true };
  }
}

/** What `work` gives for each item, in their order, while up to `limit` are under way and the next one is fetched. */
export async function* inOrderOf<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // it is asked for later, perhaps never
    begun.push(result);
    if (begun.length >= limit) yield await (begun.shift() as Promise<R>);
  }
  for (const result of begun) yield await result;
}
