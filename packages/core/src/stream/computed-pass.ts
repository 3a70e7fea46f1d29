import { Ahead } from './ahead.js';
import { applyMaps } from './batch-maps.js';
import type { BatchGroup } from './batch-stage.js';
import { DataBatch } from './batch.js';
import type { GroupColumns } from './group-columns.js';
import { MappedColumns } from './mapped-columns.js';
import { stateOf, type Pass, type Place } from './pass.js';
import type { Start } from './plan-node.js';
import type { BatchRecipe, RecordRecipe } from './recipe.js';
import type { Element, Stage } from './stage.js';
import { callUser } from './user-function.js';

/** Records of a computed sequence, dealt to this shard; maps run on its own. */
export function openComputedRecords(
  recipe: RecordRecipe,
  stage: Stage,
  columns: MappedColumns,
  start: Start,
): Pass<unknown> {
  const { maps, picked, source } = recipe;
  const { rank, shards } = source.world;
  const users = maps.map(({ fn }, i) => ({ what: 'map', fn, step: stage.functions - maps.length + i }));
  const abort = new AbortController();
  const ahead = openAhead(stage, start, abort.signal);
  return {
    async next() {
      let own: Element | undefined;
      let last: Element | undefined;
      for (let i = 0; i < shards; i++) {
        const element = await ahead.take();
        if (element === undefined) break;
        if (i === rank) own = element;
        last = element;
      }
      if (own === undefined || last === undefined) return undefined;
      const after = await placeAfter(stage, ahead, last);
      let { value } = own;
      for (const user of users) value = await callUser(user, value, own.origin, abort.signal);
      if (picked !== undefined) value = columns.pick(value, own.origin.index, picked);
      return { value, after, byteLength: 0 };
    },
    async close() {
      abort.abort();
      await ahead.close();
    },
  };
}

/** Batches of a computed sequence. */
export function openComputedBatches(
  recipe: BatchRecipe,
  stage: Stage<BatchGroup>,
  columns: GroupColumns,
  start: Start,
): Pass<DataBatch> {
  const abort = new AbortController();
  const ahead = openAhead(stage, start, abort.signal);
  return {
    async next() {
      const element = await ahead.take();
      if (element === undefined) return undefined;
      const after = await placeAfter(stage, ahead, element);
      const made = await columns.batch(element, () => stateOf(after), abort.signal);
      const parts = await applyMaps(recipe, made, abort.signal);
      const byteLength = parts.columns.reduce((sum, { data }) => sum + data.byteLength, 0);
      return { value: new DataBatch(parts), after, byteLength };
    },
    async close() {
      abort.abort();
      await ahead.close();
    },
  };
}

/** A state that stands where nothing of its epoch is left is taken for the beginning of the next one. */
function openAhead<T>(stage: Stage<T>, start: Start, signal: AbortSignal): Ahead<T> {
  if (!('node' in start)) return new Ahead(stage.open(start, signal));
  let run = stage.open(start, signal);
  let isFirst = true;
  return new Ahead({
    async next() {
      const element = await run.next();
      const isAtEnd = isFirst && element === undefined;
      isFirst = false;
      if (!isAtEnd) return element;
      await run.close();
      run = stage.open({ epoch: stage.locate(start).epoch + 1, position: 0 }, signal);
      return run.next();
    },
    close: () => run.close(),
  });
}

async function placeAfter<T>(
  stage: Stage<T>,
  ahead: Ahead<T>,
  { lastEpoch, after, follow }: Element<T>,
): Promise<Place> {
  const next = follow ?? (await ahead.look());
  if (next === 'end') return { epoch: lastEpoch + 1, lastEpoch, node: () => stage.initial(lastEpoch + 1, 0) };
  // Where looking ahead failed, the state leads to the record that failed.
  return { epoch: next ?? lastEpoch, lastEpoch, node: after };
}
