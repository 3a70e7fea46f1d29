import type { RowSource } from '../rows/row-source.js';
import type { PrefetchLimits } from './prefetch.js';

/** What a stream reads ahead by itself where the data is far away: enough for a fast network with a slow answer. */
export const AUTOMATIC_BATCHES = 16;
export const AUTOMATIC_BYTES = 64 * 2 ** 20;

/** A read that was begun, in the order of the plan. */
export interface BegunRead {
  /** Elements of the stream that it is for. */
  readonly elements: number;
  readonly rows: number;
  /** At once, or a promise. */
  readonly read: unknown;
}

/**
 * Reads under way, first planned first taken. Where rows are far away, later ones are begun before the first has come, many
 * in one turn: so their ranges can be merged. Nothing else of an element is done ahead.
 */
export class ReadAhead<B extends BegunRead> {
  readonly #rows: RowSource;
  readonly #begin: () => B | undefined;
  readonly #begun: B[] = [];
  /** Whether the one taken last is under way still. */
  #taken: Promise<void> | undefined;
  #takenRows = 0;
  #hasEnded = false;
  /** Of beginning a read; told when its turn comes. */
  #failure: { readonly error: unknown } | undefined;

  /** @param begin plans the next read and begins it; undefined at the end */
  constructor(rows: RowSource, begin: () => B | undefined) {
    this.#rows = rows;
    this.#begin = begin;
  }

  /** The next read, begun at the latest now; undefined at the end. */
  take(): B | undefined {
    const begun = this.#begun.shift() ?? this.#next();
    this.#takenRows = begun?.rows ?? 0;
    this.#taken = begun?.read instanceof Promise ? settled(begun.read) : undefined;
    return begun;
  }

  /** Begins what comes after, within the limits, once half of what was begun before is gone. Does nothing where rows are near. */
  extend({ batches, byteLimit }: PrefetchLimits): void {
    const recordBytes = this.#rows.farRecordBytes?.();
    if (recordBytes === undefined) return;
    let elements = sum(this.#begun, (begun) => begun.elements);
    if (elements > batches / 2) return;
    let bytes = recordBytes * (this.#takenRows + sum(this.#begun, ({ rows }) => rows));
    if (elements > 0 && bytes > byteLimit / 2) return;
    let largest = recordBytes * this.#takenRows;
    while (elements < batches && bytes + largest <= byteLimit) {
      const begun = this.#nextOrFailure();
      if (begun === undefined) return;
      this.#begun.push(begun);
      if (begun.read instanceof Promise) begun.read.catch(() => undefined); // as well
      elements += begun.elements;
      bytes += recordBytes * begun.rows;
      largest = Math.max(largest, recordBytes * begun.rows);
    }
  }

  /** Waits until nothing is under way any more; what was begun has been aborted. */
  async close(): Promise<void> {
    this.#hasEnded = true;
    const begun = this.#begun.splice(0);
    await Promise.allSettled([this.#taken, ...begun.map(({ read }) => read)]);
  }

  #nextOrFailure(): B | undefined {
    try {
      return this.#next();
    } catch (error) {
      this.#failure = { error };
      return undefined;
    }
  }

  #next(): B | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#hasEnded) return undefined;
    const begun = this.#begin();
    this.#hasEnded = begun === undefined;
    return begun;
  }
}

/** Holds nothing of what the promise gives. */
async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => undefined,
    () => undefined,
  );
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
