import { Ahead } from './ahead.js';
import type { Remainder } from './batch-node.js';
import { batchRows, wholeBatch } from './batch-rows.js';
import type { World } from './deal.js';
import type { Element, Others } from './stage.js';
import type { OpenStep } from './step-stage.js';

/** The records of one batch, before the maps of this shard's own. */
export interface BatchGroup {
  readonly own: readonly Element[];
  /** Of the global batch, whoever has it. */
  readonly first: Element;
  readonly globalLength: number;
  /** Rows with padding. */
  readonly paddedRows: number;
  readonly step: number;
}

/**
 * `batchNode` for records that only reading can tell: batch t of all shards is one contiguous run of the global
 * sequence, dealt out by turns from its first record.
 */
export function batchGroups(
  world: World,
  size: number,
  isGlobal: boolean,
  remainder: Remainder,
): OpenStep<unknown, BatchGroup> {
  const { rank, shards } = world;
  const shape = { size, isGlobal, remainder };
  const whole = wholeBatch(shape, world);
  return ({ run, count, after }) => {
    const ahead = new Ahead(run);
    let made = count;
    let others: Others | undefined;
    return {
      async next() {
        const group: Element[] = [];
        while (group.length < whole) {
          const element = await ahead.take();
          if (element === undefined) break;
          group.push(element);
        }
        const [first] = group;
        if (first === undefined) return undefined;
        const { after: node, lastEpoch } = group.at(-1) as Element;
        const share = batchRows(group.length, shape, world);
        const most = batchRows(group.length, shape, { rank: 0, shards });
        if (most !== undefined && (share === undefined || share.paddedRows < most.paddedRows) && !isGlobal)
          others = { epoch: first.epoch, lastEpoch };
        if (share === undefined) return undefined;
        const value: BatchGroup = {
          own: group.filter((_, i) => i % shards === rank),
          first,
          globalLength: group.length,
          paddedRows: share.paddedRows,
          step: made++,
        };
        const { origin, epoch } = first;
        const place = after(made, node);
        // Whether what is left makes a batch is known but where short ones are dropped.
        const follow = remainder === 'drop' ? undefined : await ahead.look();
        return { value, origin, epoch, lastEpoch, after: place, follow };
      },
      close: () => ahead.close(),
      get others() {
        return others;
      },
    };
  };
}
