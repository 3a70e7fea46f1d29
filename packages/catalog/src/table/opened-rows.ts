import type { RowSource } from '@dataref/core/adapter';
import type { Segment } from '../record/types.js';

/** Rows of the catalog's own datasets, which do not change, as long as some table has them open. */
export class OpenedRows {
  readonly #rows = new Map<string, WeakRef<RowSource>>();
  readonly #closed = new FinalizationRegistry<string>((key) => {
    if (this.#rows.get(key)?.deref() === undefined) this.#rows.delete(key);
  });

  get(segment: Segment): RowSource | undefined {
    return this.#rows.get(keyOf(segment))?.deref();
  }

  add(segment: Segment, rows: RowSource): void {
    if (segment.isLinked || this.get(segment) === rows) return;
    this.#rows.set(keyOf(segment), new WeakRef(rows));
    this.#closed.register(rows, keyOf(segment));
  }
}

function keyOf({ id, version }: Segment): string {
  return `${id}@${version}`;
}
