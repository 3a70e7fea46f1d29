import type { Field, NumericDType } from '@dataref/core';
import {
  allocateFresh,
  convertColumn,
  leavesOf,
  type ColumnData,
  type IndexArray,
  type Leaf,
  type ReadRequest,
  type RowSource,
} from '@dataref/core/adapter';
import { sizeOf } from '../metadata/limits.js';
import { columnCopy, type ColumnCopy } from './column-copy.js';
import { SlabCache, type Slab } from './slab-cache.js';

/** An array whose rows are a column. */
export interface Component {
  readonly name: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  /** Rows of a row of chunks, which are read together. */
  readonly rowsOfChunk: number;
  /** Of a row of chunks, decoded: they may reach beyond the array. */
  readonly slabBytes: number;
  /** Each row has a shape of its own, up to that of the array. */
  readonly isRagged: boolean;
  readRows(start: number, end: number, signal: AbortSignal): Promise<Slab>;
}

/**
 * Rows of arrays with one length: a record is a row of each. A row of chunks is decoded once for all records that are
 * read together, and, while a stream reads, for those that come within the budget.
 */
export class ChunkRows implements RowSource {
  readonly id: string;
  readonly version = '';
  readonly schema: Readonly<Record<string, Field<NumericDType>>>;
  readonly length: number;
  readonly #components: readonly Component[];
  readonly #leaves: readonly Leaf[];
  readonly #fingerprint: string;
  readonly #cache: SlabCache;

  /** @param cacheBytes of decoded chunks that are kept while a stream reads */
  constructor(name: string, components: readonly Component[], fingerprint: string, cacheBytes: number) {
    this.id = name;
    this.schema = Object.fromEntries(
      components.map(({ name: column, dtype, shape, isRagged }) => {
        const row = shape.slice(1);
        return [column, { dtype, shape: isRagged ? row.map(() => null) : row }];
      }),
    );
    this.length = Math.min(...components.map(({ shape }) => shape[0] as number));
    this.#components = components;
    this.#leaves = leavesOf(this.schema);
    this.#fingerprint = fingerprint;
    this.#cache = new SlabCache(
      cacheBytes,
      (component) => (this.#components[component] as Component).slabBytes,
      (component, place, signal) => this.#readSlab(component, place, signal),
    );
  }

  fingerprint(): string {
    return this.#fingerprint;
  }

  /** Rows of chunks of the component with the largest records: chunks of the others are small beside them. */
  partRecords(): readonly number[] {
    const largest = this.#components.reduce(
      (most, _, component) => (this.#rowBytes(component) > this.#rowBytes(most) ? component : most),
      0,
    );
    const rows = this.#rowsOfSlab(largest);
    return Array.from({ length: Math.ceil(this.length / rows) }, (_, i) => Math.min(rows, this.length - i * rows));
  }

  /** Chunks wait for a network or for being decoded, so that reading ahead always pays. */
  farRecordBytes(): number {
    return this.#components.reduce((sum, _, component) => sum + this.#rowBytes(component), 0);
  }

  hold(): () => Promise<void> {
    const release = this.#cache.hold();
    return async () => release();
  }

  read(indices: IndexArray, request: ReadRequest): readonly ColumnData[] | Promise<readonly ColumnData[]> {
    const { columns, allocate, signal } = request;
    const copies = columns.map(({ leaf, to }) =>
      columnCopy(
        this.#leaves[leaf] as Leaf,
        indices.length,
        (this.#components[leaf] as Component).shape.slice(1),
        to === undefined ? allocate : allocateFresh,
      ),
    );
    const done = (): readonly ColumnData[] =>
      copies.map((copy, i) => {
        const to = columns[i]?.to;
        const column = copy.take();
        return to === undefined ? column : convertColumn(column, to, allocate, (row) => indices[row] as number);
      });
    const waiting = columns.flatMap(({ leaf }, i) => {
      const copy = copies[i] as ColumnCopy;
      return Array.from(this.#copyHeld(indices, leaf, copy), async ([place, rows]) => {
        const slab = await this.#cache.get(leaf, place, signal);
        const start = place * this.#rowsOfSlab(leaf);
        for (const row of rows) copy.copy(slab, (indices[row] as number) - start, row);
      });
    });
    return waiting.length === 0 ? done() : Promise.all(waiting).then(done);
  }

  /** Copies rows whose slabs are at hand. @returns the others, by slab */
  #copyHeld(indices: IndexArray, component: number, copy: ColumnCopy): Map<number, number[]> {
    const rows = this.#rowsOfSlab(component);
    const missing = new Map<number, number[]>();
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      const place = Math.floor(index / rows);
      const slab = missing.has(place) ? undefined : this.#cache.peek(component, place);
      if (slab !== undefined) copy.copy(slab, index - place * rows, row);
      else if (!missing.get(place)?.push(row)) missing.set(place, [row]);
    }
    return missing;
  }

  #readSlab(component: number, place: number, signal: AbortSignal): Promise<Slab> {
    const rows = this.#rowsOfSlab(component);
    const end = Math.min((place + 1) * rows, this.length);
    return (this.#components[component] as Component).readRows(place * rows, end, signal);
  }

  #rowsOfSlab(component: number): number {
    return (this.#components[component] as Component).rowsOfChunk;
  }

  /** Of a ragged row, what there is room for. */
  #rowBytes(component: number): number {
    const { shape } = this.#components[component] as Component;
    return sizeOf(shape.slice(1)) * (this.#leaves[component] as Leaf).elementBytes;
  }
}
