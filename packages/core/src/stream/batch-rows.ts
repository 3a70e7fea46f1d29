import type { Remainder } from './batch-node.js';
import { shareOf, type World } from './deal.js';

export interface BatchShape {
  /** Records of a batch: of each shard or, where it is global, of all together. */
  readonly size: number;
  readonly isGlobal: boolean;
  readonly remainder: Remainder;
}

/** What a shard has of one global batch. */
export interface BatchRows {
  readonly rows: number;
  /** Rows with padding. */
  readonly paddedRows: number;
}

/** Records of a whole global batch. */
export function wholeBatch({ size, isGlobal }: BatchShape, { shards }: World): number {
  return isGlobal ? size : size * shards;
}

/** A shard's part of a global batch of `count` records; undefined where it makes no batch for it. */
export function batchRows(count: number, shape: BatchShape, world: World): BatchRows | undefined {
  const { size, isGlobal, remainder } = shape;
  const { rank, shards } = world;
  const whole = wholeBatch(shape, world);
  const rows = shareOf(count, rank, shards);
  if (remainder === 'drop' && (isGlobal ? count < whole : rows < size)) return undefined;
  // Plain batches end with the shard's own records; global ones, and padded ones, come on every rank.
  if (count === 0 || (!isGlobal && remainder !== 'pad' && rows === 0)) return undefined;
  return { rows, paddedRows: remainder === 'pad' ? shareOf(whole, rank, shards) : rows };
}
