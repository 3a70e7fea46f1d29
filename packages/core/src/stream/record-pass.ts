import type { Item, Pass } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import { AUTOMATIC_BATCHES, AUTOMATIC_BYTES, ReadAhead, type Begun } from './read-ahead.js';
import type { Planned, RecordRecipe } from './recipe.js';
import type { RecordMapper } from './record-mapper.js';
import type { RecordReader, Share } from './record-reader.js';

/** Records read from the dataset at a time. */
const CHUNK = 64;

interface BegunChunk extends Begun {
  readonly share: Share;
  readonly read: Promise<unknown[]>;
}

/** Records one by one. The dataset is read in chunks ahead; maps run when a record is asked for. */
export function openRecordPass(recipe: Planned<RecordRecipe>, reader: RecordReader, start: Start): Pass<unknown> {
  const { plan, source, picked } = recipe;
  const { shards } = source.world;
  // Two cursors over one plan: one reads ahead by chunks, the other follows record by record and tells the place.
  const planned = plan.open(start);
  const behind = plan.open(start);
  const abort = new AbortController();
  const stored = reader.hasMaps ? undefined : picked?.resolve(source.rows.schema);
  let release: (() => Promise<void>) | undefined;
  let first: Segment;
  let chunk: { readonly records: readonly unknown[]; readonly share: Share } | undefined;
  let mapper: RecordMapper | undefined;
  let row = 0;
  let chunkSize = 1;

  const begin = (): BegunChunk | undefined => {
    const segments = planned.pull(chunkSize * shards);
    const share = reader.share(segments);
    const rows = share.indices.length;
    if (rows === 0) return undefined;
    first = segments[0] as Segment;
    release ??= source.hold(() => ({ epoch: first.epoch, position: first.start }));
    chunkSize = Math.min(CHUNK, chunkSize * 4);
    return { elements: rows, rows, share, read: reader.readRecords(share, abort.signal, stored) };
  };
  const ahead = new ReadAhead(source.rows, begin);
  const readFurther = (): void => {
    if (recipe.prefetch === undefined) ahead.extend({ batches: CHUNK * AUTOMATIC_BATCHES, byteLimit: AUTOMATIC_BYTES });
  };

  return {
    async next(): Promise<Item<unknown> | undefined> {
      if (chunk === undefined || row >= chunk.records.length) {
        const begun = ahead.take();
        if (begun === undefined) return undefined;
        readFurther();
        chunk = { share: begun.share, records: await begun.read };
        readFurther();
        row = 0;
      }
      const { records, share } = chunk;
      let value = records[row];
      if (reader.hasMaps) {
        mapper ??= await reader.mapper();
        value = await mapper.mapRecord(value, share, row, abort.signal);
        if (picked !== undefined) value = mapper.pickMapped(value, share.indices[row] as number, picked);
      }
      row++;
      const { epoch: lastEpoch } = behind.pull(shards).at(-1) as Segment;
      return { value, after: placeOf(plan, behind, lastEpoch), byteLength: 0 };
    },
    readAhead: (limits) => ahead.extend(limits),
    async close() {
      abort.abort();
      await ahead.close();
      await release?.();
    },
  };
}
