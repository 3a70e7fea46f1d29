import type { PlanNode, Segment } from './plan-node.js';
import { RecordChunks } from './record-chunks.js';
import type { SourceNode } from './source-node.js';
import type { Stage } from './stage.js';

/**
 * Planned records, of all shards, as the first stage of what only reading can tell.
 * @param functions maps that are in the plan
 */
export function recordsStage(source: SourceNode, plan: PlanNode<Segment>, functions: number): Stage {
  return {
    unit: source.world.shards,
    schema: source.rows.schema,
    functions,
    locate(start) {
      const cursor = plan.open(start);
      return { epoch: cursor.epoch, node: cursor.snapshot() };
    },
    initial: (beginning) => plan.initial(beginning),
    open(start, { signal, byteLimit }) {
      const chunks = new RecordChunks(source, plan, start, { world: { rank: 0, shards: 1 }, signal, byteLimit });
      return {
        async next() {
          const epoch = await chunks.next();
          if (epoch === undefined) return undefined;
          const { value, origin } = chunks;
          return { value, origin, epoch, lastEpoch: epoch, after: chunks.cursor.snapshot() };
        },
        close: () => chunks.close(),
      };
    },
  };
}
