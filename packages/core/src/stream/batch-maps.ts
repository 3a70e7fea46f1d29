import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import { convertColumn } from '../rows/convert.js';
import type { ColumnData } from '../schema/column-data.js';
import { columnsFromUser, type UserColumns } from '../schema/user-columns.js';
import { DataBatch, type BatchParts } from './batch.js';
import { isThenable, orAbort } from '../or-abort.js';
import { mapContext } from './map-context.js';
import type { BatchRecipe } from './recipe.js';

/**
 * A batch after the recipe's batch maps, with the columns that an adapter asked for.
 * @throws DataRefError MAP_FAILED naming the batch, with the cause
 */
export async function applyMaps(recipe: BatchRecipe, given: BatchParts, signal: AbortSignal): Promise<BatchParts> {
  const { source, batchMaps, picked } = recipe;
  let parts = given;
  const functions = recipe.stage === undefined ? recipe.maps.length : recipe.stage.functions - batchMaps.length;
  for (const [i, { fn }] of batchMaps.entries()) {
    const { epoch, position, indices } = parts;
    const place = { epoch, position, index: indices[0] ?? -1 };
    let made: unknown;
    try {
      const context = mapContext(source.options.order.seed, functions + i, place, signal);
      made = fn(new DataBatch(parts), context);
      if (isThenable(made)) made = await orAbort(made, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = error instanceof Error ? error.message : String(error);
      throw new DataRefError(
        'MAP_FAILED',
        `map failed on batch ${parts.step} of epoch ${epoch}, position ${position}: ${problem}`,
        { cause: error, details: { dataset: source.rows.id, epoch, position, step: parts.step } },
      );
    }
    const { schema, columns, length } = madeColumns(made, parts);
    parts = { ...parts, schema, columns, length };
  }
  if (picked === undefined) return parts;
  const { schema, requests } = picked.resolve(parts.schema);
  const columns = requests.map(({ leaf, to }) => {
    const column = parts.columns[leaf] as ColumnData;
    return to === undefined
      ? column
      : convertColumn(column, to, parts.loan.allocate, (row) => parts.indices[row] ?? -1);
  });
  return { ...parts, schema, columns };
}

/** What a map of batches made, as columns of as many rows. @throws DataRefError that says that it is about this */
function madeColumns(made: unknown, { epoch, step, length }: BatchParts): UserColumns {
  const what = `map of batches: what it gave for batch ${step} of epoch ${epoch}`;
  const example = 'it returns an object of columns, such as { x: batch.columns.x }';
  if (made === null || made === undefined)
    throw invalidArgument(`${what} is ${String(made)}; ${example}: is a \`return\` missing?`);
  if (made instanceof DataBatch) throw invalidArgument(`${what} is a batch; ${example}, or batch.columns for all`);
  try {
    return columnsFromUser(made, length);
  } catch (error) {
    if (!isDataRefError(error)) throw error;
    throw new DataRefError(error.code, `${what}: ${error.message}; ${example}`, {
      cause: error,
      details: error.details,
    });
  }
}
