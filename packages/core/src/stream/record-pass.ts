import type { Item, Pass } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import type { Planned, RecordRecipe } from './recipe.js';
import type { RecordMapper } from './record-mapper.js';
import type { RecordReader, Share } from './record-reader.js';

/** Records read from the dataset at a time. */
const CHUNK = 64;

/** Records one by one. The dataset is read in chunks ahead; maps run when a record is asked for. */
export function openRecordPass(recipe: Planned<RecordRecipe>, reader: RecordReader, start: Start): Pass<unknown> {
  const { plan, source, picked } = recipe;
  const { shards } = source.world;
  // Two cursors over one plan: one reads ahead by chunks, the other follows record by record and tells the place.
  const ahead = plan.open(start);
  const behind = plan.open(start);
  const abort = new AbortController();
  const release = source.rows.hold();
  const stored = reader.hasMaps ? undefined : picked?.resolve(source.rows.schema);
  let chunk: { readonly records: readonly unknown[]; readonly share: Share } | undefined;
  let mapper: RecordMapper | undefined;
  let row = 0;
  let chunkSize = 1;

  return {
    async next(): Promise<Item<unknown> | undefined> {
      if (chunk === undefined || row >= chunk.records.length) {
        const share = reader.share(ahead.pull(chunkSize * shards));
        if (share.indices.length === 0) return undefined;
        chunk = { share, records: await reader.readRecords(share, abort.signal, stored) };
        row = 0;
        chunkSize = Math.min(CHUNK, chunkSize * 4);
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
    async close() {
      abort.abort();
      await release();
    },
  };
}
