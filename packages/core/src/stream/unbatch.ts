import { DataBatch } from './batch.js';
import { applyMaps } from './batch-maps.js';
import type { BatchGroup } from './batch-stage.js';
import { GroupColumns } from './group-columns.js';
import type { BatchRecipe } from './recipe.js';
import { stepAfter, stepStart, stepStates, type Element, type Stage } from './stage.js';

/**
 * The rows of batches as records again. Carries over a restart how many rows of the batch under way were given.
 * @param input batches of the whole sequence, not of one shard
 * @param unit shards that the records are dealt to
 */
export function unbatchStage(input: Stage<BatchGroup>, recipe: BatchRecipe, unit: number): Stage {
  const name = 'unbatch';
  const columns = new GroupColumns([], 0, input.schema, recipe.options.ragged === 'pad');
  return {
    unit,
    get schema() {
      return recipe.batchMaps.length > 0 ? undefined : columns.schema;
    },
    functions: input.functions,
    ...stepStates({ name, input }),
    open(start, signal) {
      const begun = stepStart(start, name);
      const run = input.open(begun.input, signal);
      let before = input.locate(begun.input).node;
      let open: { readonly element: Element; readonly records: readonly unknown[]; readonly indices: ArrayLike<number> } | undefined; // prettier-ignore
      let given = begun.count;
      return {
        async next() {
          while (open === undefined || given >= open.records.length) {
            if (open !== undefined) {
              before = open.element.after;
              open = undefined;
              given = 0;
            }
            const element = await run.next();
            if (element === undefined) return undefined;
            const place = { epoch: element.epoch, lastEpoch: element.lastEpoch, node: element.after };
            const made = await columns.batch(element, place, signal);
            const batch = new DataBatch(await applyMaps(recipe, made, signal));
            open = { element, records: batch.records(), indices: batch.indices };
          }
          const { element, records, indices } = open;
          const row = given++;
          const { origin } = element;
          return {
            value: records[row],
            origin: {
              ...origin,
              index: indices[row] ?? origin.index,
              position: origin.position + row,
              branch: `${origin.branch}/${row}`,
            },
            epoch: element.epoch,
            lastEpoch: element.lastEpoch,
            after: stepAfter(name, given, before),
          };
        },
        close: () => run.close(),
      };
    },
  };
}
