import { allColumns, type ColumnRequest, type IndexArray } from '../rows/row-source.js';
import { allocateFresh, columnBytes, valueAt, type Allocate, type ColumnData } from '../schema/column-data.js';
import { leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import { shareOf, type World } from './deal.js';
import { IndexSlab } from '../rows/index-slab.js';
import { totalCount, type Segment } from './plan-node.js';
import type { Picked } from './recipe.js';
import type { SourceNode } from './source-node.js';
import type { Origin } from './stage.js';

/** A shard's records of some segments: which they are, and where in the order. */
export interface Share {
  readonly indices: IndexArray;
  readonly segments: readonly Segment[];
  readonly rank: number;
}

/** Reads a shard's rows of planned segments. */
export class RecordReader {
  readonly #source: SourceNode;
  readonly #world: World;
  readonly #all: readonly ColumnRequest[];
  readonly #indices: IndexSlab;
  #recordBytes = 0;

  /** @param world who shares the records; of a world of one, this reader reads what all shards have */
  constructor(source: SourceNode, world: World = source.world) {
    this.#source = source;
    this.#world = world;
    this.#all = allColumns(leavesOf(source.rows.schema));
    this.#indices = new IndexSlab(source.rows.length);
  }

  /** Of the records that `readRecords` read last, on average; 0 before. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  share(segments: readonly Segment[], rank: number = this.#world.rank): Share {
    const { shards } = this.#world;
    const indices = this.#indices.take(shareOf(totalCount(segments), rank, shards));
    let row = 0;
    let lead = rank;
    for (const segment of segments) {
      const { start, count } = segment;
      const mine = shareOf(count, lead, shards);
      if (mine > 0) this.#source.fill(segment, indices, row, mine, start + lead, shards);
      row += mine;
      lead += mine * shards - count;
    }
    return { indices, segments, rank };
  }

  /** Epoch and position of a row of a share. */
  placeOf({ segments, rank }: Share, row: number): { readonly epoch: number; readonly position: number } {
    const { shards } = this.#world;
    let before = 0;
    let lead = rank;
    for (const segment of segments) {
      const { epoch, start, count } = segment;
      const mine = shareOf(count, lead, shards);
      if (row < before + mine)
        return { epoch, position: this.#source.positionOf(segment, start + lead + (row - before) * shards) };
      before += mine;
      lead += mine * shards - count;
    }
    throw new RangeError(`a share of ${before} rows has no row ${row}`);
  }

  /** The record that a row of a share is. */
  originOf(share: Share, row: number): Origin {
    const { rows, options } = this.#source;
    const { epoch, position } = this.placeOf(share, row);
    const index = share.indices[row] as number;
    return { id: rows.id, version: rows.version, epoch, position, index, seed: options.order.seed, branch: '' };
  }

  /** Stored columns of a share, with conversions. */
  readColumns(share: Share, columns: readonly ColumnRequest[] | undefined, allocate: Allocate, signal: AbortSignal) {
    return this.#source.rows.read(share.indices, { columns: columns ?? this.#all, allocate, signal });
  }

  /** Records of a share; of the picked columns alone where there are any. */
  async readRecords(share: Share, signal: AbortSignal, picked?: Picked): Promise<unknown[]> {
    const columns = await this.readColumns(share, picked?.requests, allocateFresh, signal);
    this.#recordBytes = columnBytes(columns) / share.indices.length;
    const schema = picked?.schema ?? this.#source.rows.schema;
    return Array.from(share.indices, (_, i) => assemble(schema, (leaf) => valueAt(columns[leaf] as ColumnData, i)));
  }
}
