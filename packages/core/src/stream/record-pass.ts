import { bytesOf } from './element-bytes.js';
import type { Learned } from './learned.js';
import type { Dealt, MappedRecords } from './mapped-records.js';
import type { Item, Pass } from './pass.js';
import { placeOf } from './place.js';
import type { Start } from './plan-node.js';
import { AUTOMATIC_BYTES } from './read-ahead.js';
import type { Planned, RecordRecipe } from './recipe.js';
import { RecordChunks } from './record-chunks.js';

/** Records one by one. The dataset is read in chunks ahead; maps run when a record is asked for. */
export function openRecordPass(recipe: Planned<RecordRecipe>, learned: Learned, start: Start): Pass<unknown> {
  const { plan, source, maps, picked, prefetch } = recipe;
  const abort = new AbortController();
  const hasMaps = maps.length > 0;
  const chunks = new RecordChunks(source, plan, start, {
    world: source.world,
    signal: abort.signal,
    byteLimit: prefetch === undefined ? AUTOMATIC_BYTES : undefined,
    picked: hasMaps ? undefined : picked?.resolve(source.rows.schema),
  });
  let mapping: Promise<MappedRecords> | undefined;

  /** The next record as it is stored. */
  const next = async (): Promise<Item<unknown> | undefined> => {
    const lastEpoch = await chunks.next();
    if (lastEpoch === undefined) return undefined;
    const { value } = chunks;
    const byteLength = prefetch === undefined ? 0 : bytesOf(value);
    return { value, after: placeOf(plan, chunks.cursor, start, lastEpoch), byteLength };
  };
  const deal = async (): Promise<Dealt | undefined> => {
    const item = await next();
    return item && { value: item.value, origin: chunks.origin, after: item.after };
  };
  const openMapping = async (): Promise<MappedRecords> => {
    const loaded = await import('./mapped-records.js');
    return new loaded.MappedRecords(recipe, 0, learned, deal, abort.signal);
  };

  return {
    next: hasMaps ? async () => (await (mapping ??= openMapping())).next() : next,
    readAhead: (limits) => chunks.extend(limits),
    async close() {
      abort.abort();
      await chunks.close();
      await (await mapping)?.close();
    },
  };
}
