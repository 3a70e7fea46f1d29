import type { Awaitable, DataRef, InputOf, Records, Schema } from '@dataref/core';
import { RowDataset, type RowSource } from '@dataref/core/adapter';
import type { WriteOptions } from '../options.js';
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
}

type Append = (data: any, options?: WriteOptions) => Promise<Table>;

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
