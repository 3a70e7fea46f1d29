import type { PlanNode, Segment, Start } from './plan-node.js';
import { AUTOMATIC_BATCHES, AUTOMATIC_BYTES, ReadAhead, type Begun } from './read-ahead.js';
import { RecordReader, type Share } from './record-reader.js';
import type { SourceNode } from './source-node.js';
import type { Element, Stage } from './stage.js';

/** Records read at a time, at most. */
const CHUNK = 256;
const AHEAD = { batches: CHUNK * AUTOMATIC_BATCHES, byteLimit: AUTOMATIC_BYTES };

interface BegunChunk extends Begun {
  readonly share: Share;
  readonly read: Promise<unknown[]>;
}

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
    open(start: Start, signal) {
      // One cursor reads ahead by chunks, the other follows record by record and tells the place.
      const planned = plan.open(start);
      const behind = plan.open(start);
      const reader = new RecordReader(source, { rank: 0, shards: 1 });
      let release: (() => Promise<void>) | undefined;
      let first: Segment;
      let chunk: { readonly records: readonly unknown[]; readonly share: Share } | undefined;
      let row = 0;
      let size = 1;
      const begin = (): BegunChunk | undefined => {
        const segments = planned.pull(size);
        const share = reader.share(segments);
        const rows = share.indices.length;
        if (rows === 0) return undefined;
        first = segments[0] as Segment;
        release ??= source.hold(() => first);
        size = Math.min(CHUNK, size * 4);
        return { elements: rows, rows, share, read: reader.readRecords(share, signal) };
      };
      const ahead = new ReadAhead(source.rows, begin);
      return {
        async next(): Promise<Element | undefined> {
          if (chunk === undefined || row >= chunk.records.length) {
            const begun = ahead.take();
            if (begun === undefined) return undefined;
            ahead.extend(AHEAD);
            chunk = { share: begun.share, records: await begun.read };
            row = 0;
          }
          const { share, records } = chunk;
          const origin = reader.originOf(share, row);
          const value = records[row++];
          const [{ epoch }] = behind.pull(1) as [Segment];
          return { value, origin, epoch, lastEpoch: epoch, after: behind.snapshot() };
        },
        async close() {
          await ahead.close();
          const releasing = release?.();
          release = undefined;
          await releasing;
        },
      };
    },
  };
}
