import { Ahead } from './ahead.js';
import type { BatchGroup } from './batch-groups.js';
import { applyMaps } from './batch-maps.js';
import { DataBatch } from './batch.js';
import { GroupBatches } from './group-batches.js';
import type { Learned } from './learned.js';
import { MappedRecords, type Dealt } from './mapped-records.js';
import type { Item, Pass, Place } from './pass.js';
import { endPlace } from './place.js';
import type { Start } from './plan-node.js';
import type { BatchRecipe, PipelineSource, RecordRecipe } from './recipe.js';
import { RecordMapper } from './record-mapper.js';
import { AUTOMATIC_BYTES } from './read-ahead.js';
import type { Element, Reading, Stage } from './stage.js';
import { WorkQueue } from './work-queue.js';

/** Records of a computed sequence, dealt to this shard; maps run on its own. */
export function openComputedRecords(recipe: RecordRecipe, stage: Stage, learned: Learned, start: Start): Pass<unknown> {
  const { rank, shards } = recipe.source.world;
  const abort = new AbortController();
  const ahead = openAhead(recipe.source, stage, start, readingOf(recipe, abort.signal));
  let lastEpoch: number | undefined;
  const deal = async (): Promise<Dealt | undefined> => {
    let own: Element | undefined;
    let last: Element | undefined;
    for (let i = 0; i < shards; i++) {
      const element = await ahead.take();
      if (element === undefined) break;
      if (i === rank) own = element;
      last = element;
    }
    if (last !== undefined && own === undefined) ({ lastEpoch } = last);
    if (own === undefined || last === undefined) return undefined;
    const { value, origin } = own;
    return { value, origin, after: await placeAfter(stage, ahead, start, last) };
  };
  const functions = stage.functions - recipe.maps.length;
  const records = new MappedRecords(recipe, functions, learned, deal, abort.signal);
  return {
    // The datasets at the beginning read ahead by themselves.
    readAhead: () => undefined,
    next: () => records.next(),
    get lastEpoch() {
      return lastEpoch;
    },
    async close() {
      abort.abort();
      await ahead.close();
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
  const ahead = openAhead(recipe.source, stage, start, readingOf(recipe, abort.signal));
  const mapper = new RecordMapper(maps, stage.functions - batchMaps.length - maps.length, learned);
  const groups = new GroupBatches(mapper, options.ragged === 'pad');
  const pull = async () => {
    const element = await ahead.take();
    return element && { element, after: await placeAfter(stage, ahead, start, element) };
  };
  const batches = new WorkQueue(mapper.depth, 1, pull, async ([planned]): Promise<Item<DataBatch> | undefined> => {
    if (planned === undefined) return undefined;
    const { element, after } = planned;
    const made = await groups.batch(element, after, abort.signal);
    const parts = await applyMaps(recipe, made, abort.signal);
    const byteLength = parts.columns.reduce((sum, { data }) => sum + data.byteLength, 0);
    return { value: new DataBatch(parts), after, byteLength };
  });
  return {
    readAhead: () => undefined,
    next: () => batches.next(),
    get lastEpoch() {
      return ahead.others?.lastEpoch;
    },
    async close() {
      abort.abort();
      await ahead.close();
      await batches.settle();
      await mapper.close();
    },
  };
}

function readingOf({ prefetch }: RecordRecipe | BatchRecipe, signal: AbortSignal): Reading {
  return { signal, byteLimit: prefetch?.byteLimit ?? AUTOMATIC_BYTES };
}

/**
 * A state that stands where nothing of its epoch is left is taken for the beginning of the next one; but not where other
 * ranks may have something left that this one cannot see.
 */
function openAhead<T>({ options }: PipelineSource, stage: Stage<T>, start: Start, reading: Reading): Ahead<T> {
  if (!('node' in start) || options.shardFirst) return new Ahead(stage.open(start, reading));
  let run = stage.open(start, reading);
  let isFirst = true;
  return new Ahead({
    async next() {
      const element = await run.next();
      const isAtEnd = isFirst && element === undefined && run.others === undefined;
      isFirst = false;
      if (!isAtEnd) return element;
      await run.close();
      run = stage.open({ epoch: stage.locate(start).epoch + 1, position: 0 }, reading);
      return run.next();
    },
    close: () => run.close(),
    get others() {
      return run.others;
    },
  });
}

async function placeAfter<T>(
  stage: Stage<T>,
  ahead: Ahead<T>,
  start: Start,
  { lastEpoch, after, follow }: Element<T>,
): Promise<Place> {
  const next = follow ?? (await ahead.look());
  if (next === 'end') return endPlace(stage, start, lastEpoch);
  // Where looking ahead failed, the state leads to the record that failed.
  return { epoch: next ?? lastEpoch, lastEpoch, node: after };
}
