import { columnBytes } from '../schema/column-data.js';
import type { BatchGroup } from './batch-groups.js';
import { applyMaps } from './batch-maps.js';
import { BatchQueue } from './batch-queue.js';
import { DataBatch } from './batch.js';
import { GroupBatches } from './group-batches.js';
import type { Learned } from './learned.js';
import { MappedRecords, type Dealt } from './mapped-records.js';
import type { Item, Pass, Place } from './pass.js';
import type { Start } from './plan-node.js';
import type { BatchRecipe, RecordRecipe } from './recipe.js';
import { RecordMapper } from './record-mapper.js';
import { StageOutputs } from './stage-outputs.js';
import type { Element, Stage } from './stage.js';

/** A batch before its maps, and the place after it. */
interface PlannedBatch {
  readonly element: Element<BatchGroup>;
  readonly after: Place;
}

/** Records of a computed sequence, dealt to this shard; maps run on its own. */
export function openComputedRecords(recipe: RecordRecipe, stage: Stage, learned: Learned, start: Start): Pass<unknown> {
  const { rank, shards } = recipe.source.world;
  const abort = new AbortController();
  const outputs = new StageOutputs(recipe, stage, start, abort.signal);
  let dealtEpoch = 0;
  const deal = async (): Promise<Dealt | undefined> => {
    let own: Element | undefined;
    let last: Element | undefined;
    for (let i = 0; i < shards; i++) {
      const element = await outputs.take();
      if (element === undefined) break;
      if (i === rank) own = element;
      last = element;
    }
    if (last !== undefined && own === undefined) dealtEpoch = last.lastEpoch;
    if (own === undefined || last === undefined) return undefined;
    const { value, origin } = own;
    return { value, origin, after: await outputs.placeAfter(last) };
  };
  const functions = stage.functions - recipe.maps.length;
  const records = new MappedRecords(recipe, functions, learned, deal, abort.signal);
  return {
    // The datasets at the beginning read ahead by themselves.
    readAhead: () => undefined,
    next: () => records.next(),
    get lastEpoch() {
      return Math.max(dealtEpoch, outputs.lastEpoch);
    },
    async close() {
      abort.abort();
      await outputs.close();
      await records.close();
    },
  };
}

/** Batches of a computed sequence. */
export function openComputedBatches(
  recipe: BatchRecipe,
  stage: Stage<BatchGroup>,
  learned: Learned,
  start: Start,
): Pass<DataBatch> {
  const { maps, batchMaps, options } = recipe;
  const abort = new AbortController();
  const outputs = new StageOutputs(recipe, stage, start, abort.signal);
  const mapper = new RecordMapper(maps, stage.functions - batchMaps.length - maps.length, learned);
  const groups = new GroupBatches(mapper, options.ragged === 'pad');
  const pull = async (): Promise<PlannedBatch | undefined> => {
    const element = await outputs.take();
    return element && { element, after: await outputs.placeAfter(element) };
  };
  const map = async ({ element, after }: PlannedBatch): Promise<Item<DataBatch>> => {
    const made = await groups.batch(element, after, abort.signal);
    const parts = await applyMaps(recipe, made, abort.signal);
    const byteLength = recipe.prefetch === undefined ? 0 : columnBytes(parts.columns);
    return { value: new DataBatch(parts), after, byteLength };
  };
  const batches = new BatchQueue(mapper, recipe.prefetch, pull, ({ element }) => element.value.own.length, map);
  return {
    readAhead: (limits) => batches.allow(limits),
    next: () => batches.next(),
    get lastEpoch() {
      return outputs.lastEpoch;
    },
    async close() {
      abort.abort();
      await outputs.close();
      await batches.close();
    },
  };
}
