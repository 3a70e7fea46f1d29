import { applyMaps } from './batch-maps.js';
import type { BatchGroup } from './batch-groups.js';
import { DataBatch } from './batch.js';
import { GroupBatches } from './group-batches.js';
import type { Learned } from './learned.js';
import type { BatchRecipe } from './recipe.js';
import { RecordMapper } from './record-mapper.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';

interface Open {
  readonly element: Element;
  readonly records: readonly unknown[];
  readonly traces: (row: number) => Pick<Element, 'origin' | 'epoch' | 'lastEpoch'>;
}

/**
 * The rows of batches, of all shards, as records again. Carries over a restart how many rows were given from the
 * beginning of the batch under way on, which another size of batches, or another world, may cut otherwise.
 */
export function unbatch(recipe: BatchRecipe, learned: Learned): OpenStep<BatchGroup, unknown> {
  return (begun) => {
    const { run, after } = begun;
    const { signal } = begun.reading;
    const batches = new GroupBatches(new RecordMapper([], 0, learned), recipe.options.ragged === 'pad');
    let { before, count: given } = begun;
    let open: Open | undefined;
    return {
      async next() {
        while (open === undefined || given >= open.records.length) {
          if (open !== undefined) {
            before = open.element.after;
            // Batches may be smaller than those of the state: then it has given rows of several.
            given -= open.records.length;
            open = undefined;
          }
          const element = await run.next();
          if (element === undefined) return undefined;
          const place = { epoch: element.epoch, lastEpoch: element.lastEpoch, node: element.after };
          const made = await batches.batch(element, place, signal);
          const batch = new DataBatch(await applyMaps(recipe, made, signal));
          open = { element, records: batch.records(), traces: tracesOf(element, recipe.batchMaps.length > 0) };
        }
        const { records, traces } = open;
        const row = given++;
        const { origin, epoch, lastEpoch } = traces(row);
        return { value: records[row], origin, epoch, lastEpoch, after: after(given, before) };
      },
    };
  };
}

/** Where a row comes from: a record of the batch, but where a map made other rows of the batch as a whole. */
function tracesOf({ value, origin, epoch, lastEpoch }: Element<BatchGroup>, isMapped: boolean): Open['traces'] {
  if (!isMapped) return (row) => value.own[row] as Element;
  return (row) => {
    const index = value.own[row]?.origin.index ?? origin.index;
    const position = origin.position + row;
    return { origin: { ...origin, index, position, branch: `${origin.branch}/${row}` }, epoch, lastEpoch };
  };
}
