import { Ahead } from './ahead.js';
import { applyMaps } from './batch-maps.js';
import type { BatchGroup } from './batch-stage.js';
import { DataBatch } from './batch.js';
import type { GroupColumns } from './group-columns.js';
import { MapRunner, type Outcome } from './map-runner.js';
import type { MappedColumns } from './mapped-columns.js';
import type { Item, Pass, Place } from './pass.js';
import type { Start } from './plan-node.js';
import type { BatchRecipe, RecordRecipe } from './recipe.js';
import type { Element, Stage } from './stage.js';
import { WorkQueue } from './work-queue.js';

/** A record of this shard, and the place after it. */
interface Dealt {
  readonly element: Element;
  readonly after: Place;
}

/** Records of a computed sequence, dealt to this shard; maps run on its own. */
export function openComputedRecords(
  recipe: RecordRecipe,
  stage: Stage,
  columns: MappedColumns,
  start: Start,
): Pass<unknown> {
  const { maps, picked, source } = recipe;
  const { rank, shards } = source.world;
  const runner = new MapRunner(maps, stage.functions - maps.length);
  const abort = new AbortController();
  const ahead = openAhead(stage, start, abort.signal);

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
    return { element: own, after: await placeAfter(stage, ahead, last) };
  };

  const blocks = new WorkQueue(runner.depth, runner.blockSize, deal, async (block: readonly Dealt[]) => ({
    block,
    outcomes: await runner.run(
      block.map(({ element }) => element),
      abort.signal,
    ),
  }));
  let current: { readonly block: readonly Dealt[]; readonly outcomes: readonly Outcome[] } | undefined;
  let row = 0;
  return {
    // The datasets at the beginning read ahead by themselves.
    readAhead: () => undefined,
    async next(): Promise<Item<unknown> | undefined> {
      if (current === undefined || row >= current.outcomes.length) {
        current = await blocks.next();
        row = 0;
      }
      const outcome = current?.outcomes[row];
      if (current === undefined || outcome === undefined) return undefined;
      const { element, after } = current.block[row++] as Dealt;
      if ('error' in outcome) throw outcome.error;
      const mapped = 'value' in outcome ? outcome.value : undefined;
      const value = picked === undefined ? mapped : columns.pick(mapped, element.origin.index, picked);
      return { value, after, byteLength: 0 };
    },
    get lastEpoch() {
      return lastEpoch;
    },
    async close() {
      abort.abort();
      await ahead.close();
      await blocks.settle();
      await runner.close();
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
  const group = async () => {
    const element = await ahead.take();
    return element && { element, after: await placeAfter(stage, ahead, element) };
  };
  const batches = new WorkQueue(columns.depth, 1, group, async ([planned]): Promise<Item<DataBatch> | undefined> => {
    if (planned === undefined) return undefined;
    const { element, after } = planned;
    const made = await columns.batch(element, after, abort.signal);
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
      await columns.close();
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
      const isAtEnd = isFirst && element === undefined && run.others === undefined;
      isFirst = false;
      if (!isAtEnd) return element;
      await run.close();
      run = stage.open({ epoch: stage.locate(start).epoch + 1, position: 0 }, signal);
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
  { lastEpoch, after, follow }: Element<T>,
): Promise<Place> {
  const next = follow ?? (await ahead.look());
  if (next === 'end') return { epoch: lastEpoch + 1, lastEpoch, node: () => stage.initial(lastEpoch + 1, 0) };
  // Where looking ahead failed, the state leads to the record that failed.
  return { epoch: next ?? lastEpoch, lastEpoch, node: after };
}
