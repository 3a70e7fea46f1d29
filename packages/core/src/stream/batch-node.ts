import { batchRows, wholeBatch } from './batch-rows.js';
import type { World } from './deal.js';
import { startOfInput, totalCount, type PlanNode, type Segment } from './plan-node.js';

export type Remainder = 'keep' | 'drop' | 'pad';

/** What one batch consists of, before anything is read. */
export interface BatchPlan {
  readonly count: 1;
  /** The global batch; this shard has every numShards-th position of it, from its rank on. */
  readonly segments: readonly Segment[];
  readonly globalLength: number;
  /** Rows of this shard. */
  readonly rows: number;
  /** Rows with padding. */
  readonly paddedRows: number;
  readonly step: number;
}

/**
 * Batches of `size` outputs: of each shard, or (`isGlobal`) of all shards together. Either way batch t of all shards is
 * one contiguous run of the global order, dealt out by turns from its first position.
 */
export function batchNode(
  input: PlanNode<Segment>,
  world: World,
  size: number,
  isGlobal: boolean,
  remainder: Remainder,
): PlanNode<BatchPlan> {
  const { shards } = world;
  const shape = { size, isGlobal, remainder };
  const whole = wholeBatch(shape, world);
  /** The fewest records that still make a batch on some rank. */
  const least = remainder === 'drop' ? (isGlobal ? whole : (size - 1) * shards + 1) : 1;
  const batchesIn = (records: number): number =>
    records === Infinity ? Infinity : Math.floor(records / whole) + (records % whole >= least ? 1 : 0);
  return {
    unit: 1,
    total: batchesIn(input.total),
    own: isGlobal || remainder === 'pad' ? batchesIn(input.total) : ownBatches(input.own, size, remainder),
    open(start) {
      const begun = startOfInput(start, 'batch');
      const cursor = input.open(begun.input);
      let made = begun.count;
      const next = (): BatchPlan | undefined => {
        if (remainder === 'drop' && cursor.remaining() < least) return undefined;
        const segments = cursor.pull(whole);
        const globalLength = totalCount(segments);
        const share = batchRows(globalLength, shape, world);
        return share && { count: 1, segments, globalLength, ...share, step: made++ };
      };
      return {
        pull(count) {
          const plans: BatchPlan[] = [];
          while (plans.length < count) {
            const plan = next();
            if (plan === undefined) break;
            plans.push(plan);
          }
          return plans;
        },
        remaining: () => batchesIn(cursor.remaining()),
        snapshot() {
          const state = cursor.snapshot();
          const count = made;
          return () => ({ kind: 'step', name: 'batch', count, input: state() });
        },
        get epoch() {
          return cursor.epoch;
        },
        get lastEpoch() {
          return cursor.lastEpoch;
        },
      };
    },
    initial: (beginning) => ({ kind: 'step', name: 'batch', count: 0, input: input.initial(beginning) }),
  };
}

/** Batches of one shard's own records. */
function ownBatches(records: number, size: number, remainder: Remainder): number {
  if (records === Infinity) return Infinity;
  return remainder === 'drop' ? Math.floor(records / size) : Math.ceil(records / size);
}
