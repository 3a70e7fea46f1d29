import type { Awaitable, DataRef, InputOf, Records, Schema } from '@dataref/core';
import { ioOptionsOf, lazyModule, RowDataset, type RowSource } from '@dataref/core/adapter';
import type { Table as ArrowTable } from 'apache-arrow';
import type { IoOptions, WriteOptions } from '../options.js';
import type { TableInfo } from '../record/version-info.js';
import { partitionsWhere } from './pruning.js';
import { joined } from './segments.js';

/** A saved table: a DataRef with all of its streams, shuffles, shards and states. It is this version, whatever is saved later. */
export interface Table<S extends Schema = any> extends DataRef<S> {
  readonly info: TableInfo;
  /**
   * Saves a new version: the records of the newest one, which are shared, and these after them.
   * @throws DataRefError as `Catalog.append` does
   */
  append(data: DataRef<S> | Records<InputOf<S>>, options?: WriteOptions): Promise<Table<S>>;
  /**
   * All records as a table of apache-arrow, in memory: the columns of the stored files, so that bool is uint8.
   * @throws DataRefError MISSING_PACKAGE without apache-arrow; and what reading throws
   */
  toArrow(options?: IoOptions): Promise<ArrowTable>;
  /**
   * Writes all records as Parquet: to one file, or, where the table is partitioned, to `label=1/0.parquet`, … in a folder, as
   * Hive, DuckDB, pandas and polars know them, without the columns that the folders tell. What is there is replaced by the
   * whole or not at all.
   * @throws DataRefError UNSUPPORTED naming a column that Parquet has no type for; DISK_FULL, STORE_FAILED
   */
  toParquet(path: string | URL, options?: IoOptions): Promise<void>;
}

const loadToArrow = lazyModule('what makes Arrow tables', () => import('../arrow/to-arrow.js'));
const loadParquet = lazyModule('what writes Parquet', () => import('../parquet/write-table.js'));

type Append = (data: unknown, options: WriteOptions | undefined) => Promise<Table>;

export class StoredTable extends RowDataset implements Table {
  readonly info: TableInfo;
  readonly #segments: readonly RowSource[];
  readonly #append: Append;

  constructor(info: TableInfo, segments: readonly RowSource[], append: Append) {
    super(joined(segments));
    this.info = info;
    this.#segments = segments;
    this.#append = append;
  }

  append(data: unknown, options?: WriteOptions): Promise<Table> {
    return this.#append(data, options);
  }

  async toArrow(options: IoOptions = {}): Promise<ArrowTable> {
    const { signal } = ioOptionsOf('toArrow', options);
    const { toArrow } = await loadToArrow();
    return toArrow(joined(this.#segments), { signal });
  }

  async toParquet(path: string | URL, options: IoOptions = {}): Promise<void> {
    const { signal } = ioOptionsOf('toParquet', options);
    const { writeTable } = await loadParquet();
    await writeTable(this.info, this.#segments, path, { signal });
  }

  /**
   * As of any DataRef; a predicate that is given nothing but columns that the table is partitioned by is asked once for
   * each partition, and nothing is read.
   */
  override async where(
    predicate: (record: any, index: number) => Awaitable<boolean>,
    options: Parameters<RowDataset['where']>[1] = {},
  ): Promise<DataRef> {
    const { columns } = Object(options) as { readonly columns?: readonly string[] };
    const { partitionBy } = this.info;
    const isPruned =
      Array.isArray(columns) &&
      columns.length > 0 &&
      columns.every((name) => partitionBy.includes(name)) &&
      predicate.length < 2;
    if (!isPruned) return super.where(predicate, options);
    return (await partitionsWhere(this.info, this.#segments, columns, predicate, options)) ?? this.slice(0, 0);
  }
}
