import type { Field, NumericDType } from '@dataref/core';
import {
  allocateElements,
  allocateFresh,
  convertColumn,
  leavesOf,
  type ColumnData,
  type ElementArray,
  type IndexArray,
  type Leaf,
  type ReadRequest,
  type RowSource,
} from '@dataref/core/adapter';
import type { ChunkSource } from '../chunks/chunk-source.js';
import { SlabCache } from './slab-cache.js';

/** An array whose rows are a column. */
export interface Component {
  readonly name: string;
  readonly source: ChunkSource;
  /** Rows start to end − 1 of the array, in C order. */
  readRows(start: number, end: number, signal: AbortSignal): Promise<ElementArray>;
}

export interface ChunkRowsOptions {
  readonly name: string;
  readonly components: readonly Component[];
  readonly fingerprint: string;
  /** Bytes of decoded chunks that are kept while a stream reads. */
  readonly cacheBytes: number;
  /** Whether a read waits for a network. */
  readonly isFar: boolean;
}

/** Rows of arrays with the same length: each index is a record of one row an array. Chunks are decoded once for many rows. */
export class ChunkRows implements RowSource {
  readonly id: string;
  readonly version = '';
  readonly schema: Readonly<Record<string, Field<NumericDType, readonly number[]>>>;
  readonly length: number;
  readonly #components: readonly Component[];
  readonly #leaves: readonly Leaf[];
  readonly #fingerprint: string;
  readonly #cache: SlabCache;
  readonly #isFar: boolean;

  constructor({ name, components, fingerprint, cacheBytes, isFar }: ChunkRowsOptions) {
    this.id = name;
    this.schema = Object.fromEntries(
      components.map(({ name: column, source: { dtype, shape } }) => [column, { dtype, shape: shape.slice(1) }]),
    );
    this.length = components[0]?.source.shape[0] ?? 0;
    this.#components = components;
    this.#leaves = leavesOf(this.schema);
    this.#fingerprint = fingerprint;
    this.#isFar = isFar;
    this.#cache = new SlabCache(
      cacheBytes,
      (component) => this.#rowsOfSlab(component) * this.#rowBytes(component),
      (component, place, signal) => this.#readSlab(component, place, signal),
    );
  }

  fingerprint(): string {
    return this.#fingerprint;
  }

  /** Rows of chunks of the component with the largest records: the others' chunks are small beside them. */
  partRecords(): readonly number[] {
    const largest = this.#components.reduce(
      (most, _, component) => (this.#rowBytes(component) > this.#rowBytes(most) ? component : most),
      0,
    );
    const rows = this.#rowsOfSlab(largest);
    return Array.from({ length: Math.ceil(this.length / rows) }, (_, i) => Math.min(rows, this.length - i * rows));
  }

  farRecordBytes(): number | undefined {
    return this.#isFar ? this.#leaves.reduce((sum, _, component) => sum + this.#rowBytes(component), 0) : undefined;
  }

  hold(): () => Promise<void> {
    const release = this.#cache.hold();
    return async () => release();
  }

  read(indices: IndexArray, request: ReadRequest): readonly ColumnData[] | Promise<readonly ColumnData[]> {
    const { columns, allocate, signal } = request;
    const gathered = columns.map(({ leaf: component, to }) => {
      const leaf = this.#leaves[component] as Leaf;
      const data = allocateElements(leaf, indices.length * leaf.size, to === undefined ? allocate : allocateFresh);
      return { leaf, data, component, missing: this.#copyHeld(indices, component, data) };
    });
    const done = (): readonly ColumnData[] =>
      gathered.map(({ leaf, data }, i) => {
        const to = columns[i]?.to;
        const column = { leaf, length: indices.length, data };
        return to === undefined ? column : convertColumn(column, to, allocate, (row) => indices[row] as number);
      });
    const waiting = gathered.flatMap(({ component, data, missing }) =>
      Array.from(missing, ([place, rows]) => this.#copyRead(indices, component, data, place, rows, signal)),
    );
    return waiting.length === 0 ? done() : Promise.all(waiting).then(done);
  }

  /** Copies rows whose slabs are at hand. @returns the others, by slab */
  #copyHeld(indices: IndexArray, component: number, data: ElementArray): Map<number, number[]> {
    const rows = this.#rowsOfSlab(component);
    const leaf = this.#leaves[component] as Leaf;
    const missing = new Map<number, number[]>();
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      const place = Math.floor(index / rows);
      const slab = missing.has(place) ? undefined : this.#cache.peek(component, place);
      if (slab !== undefined) copyRow(leaf, slab, index - place * rows, data, row);
      else if (!missing.get(place)?.push(row)) missing.set(place, [row]);
    }
    return missing;
  }

  /** Copies rows of one slab once it has been read. */
  async #copyRead(
    indices: IndexArray,
    component: number,
    data: ElementArray,
    place: number,
    rows: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const leaf = this.#leaves[component] as Leaf;
    const slab = await this.#cache.get(component, place, signal);
    const start = place * this.#rowsOfSlab(component);
    for (const row of rows) copyRow(leaf, slab, (indices[row] as number) - start, data, row);
  }

  #readSlab(component: number, place: number, signal: AbortSignal): Promise<ElementArray> {
    const rows = this.#rowsOfSlab(component);
    const { readRows } = this.#components[component] as Component;
    return readRows(place * rows, Math.min(this.length, (place + 1) * rows), signal);
  }

  #rowsOfSlab(component: number): number {
    return (this.#components[component] as Component).source.chunk[0] as number;
  }

  #rowBytes(component: number): number {
    const { size, elementBytes } = this.#leaves[component] as Leaf;
    return size * elementBytes;
  }
}

function copyRow(leaf: Leaf, from: ElementArray, row: number, to: ElementArray, target: number): void {
  const { size } = leaf;
  to.set(from.subarray(row * size, (row + 1) * size) as never, target * size);
}
