import type { Learned } from './learned.js';
import type { Dealt, MappedRecords } from './mapped-records.js';
import type { Item, Pass } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import { AUTOMATIC_BATCHES, AUTOMATIC_BYTES, ReadAhead, type Begun } from './read-ahead.js';
import type { Planned, RecordRecipe } from './recipe.js';
import { RecordReader, type Share } from './record-reader.js';

/** Records read from the dataset at a time. */
const CHUNK = 64;

interface BegunChunk extends Begun {
  readonly share: Share;
  readonly read: Promise<unknown[]>;
}

/** Records one by one. The dataset is read in chunks ahead; maps run when a record is asked for. */
export function openRecordPass(recipe: Planned<RecordRecipe>, learned: Learned, start: Start): Pass<unknown> {
  const { plan, source, maps, picked } = recipe;
  const { shards } = source.world;
  // Two cursors over one plan: one reads ahead by chunks, the other follows record by record and tells the place.
  const planned = plan.open(start);
  const behind = plan.open(start);
  const reader = new RecordReader(source);
  const abort = new AbortController();
  const hasMaps = maps.length > 0;
  const stored = hasMaps ? undefined : picked?.resolve(source.rows.schema);
  let release: (() => Promise<void>) | undefined;
  let first: Segment;
  let chunk: { readonly records: readonly unknown[]; readonly share: Share } | undefined;
  let mapping: Promise<MappedRecords> | undefined;
  let row = 0;
  let chunkSize = 1;

  const begin = (): BegunChunk | undefined => {
    const segments = planned.pull(chunkSize * shards);
    const share = reader.share(segments);
    const rows = share.indices.length;
    if (rows === 0) return undefined;
    first = segments[0] as Segment;
    release ??= source.hold(() => first);
    chunkSize = Math.min(CHUNK, chunkSize * 4);
    return { elements: rows, rows, share, read: reader.readRecords(share, abort.signal, stored) };
  };
  const ahead = new ReadAhead(source.rows, begin);
  const readFurther = (): void => {
    if (recipe.prefetch === undefined) ahead.extend({ batches: CHUNK * AUTOMATIC_BATCHES, byteLimit: AUTOMATIC_BYTES });
  };

  /** The next record as it is stored. */
  const next = async (): Promise<Item<unknown> | undefined> => {
    if (chunk === undefined || row >= chunk.records.length) {
      const begun = ahead.take();
      if (begun === undefined) return undefined;
      readFurther();
      chunk = { share: begun.share, records: await begun.read };
      readFurther();
      row = 0;
    }
    const value = chunk.records[row++];
    const { epoch: lastEpoch } = behind.pull(shards).at(-1) as Segment;
    return { value, after: placeOf(plan, behind, start, lastEpoch), byteLength: 0 };
  };

  const deal = async (): Promise<Dealt | undefined> => {
    const item = await next();
    if (item === undefined || chunk === undefined) return undefined;
    return { value: item.value, origin: reader.originOf(chunk.share, row - 1), after: item.after };
  };
  const openMapping = async (): Promise<MappedRecords> => {
    const loaded = await import('./mapped-records.js');
    return new loaded.MappedRecords(recipe, 0, learned, deal, abort.signal);
  };

  return {
    next: hasMaps ? async () => (await (mapping ??= openMapping())).next() : next,
    readAhead: (limits) => ahead.extend(limits),
    async close() {
      abort.abort();
      await ahead.close();
      await (await mapping)?.close();
      await release?.();
    },
  };
}
