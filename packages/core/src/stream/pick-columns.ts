import { didYouMean } from '../did-you-mean.js';
import { invalidArgument } from '../errors.js';
import { convertedLeaf, type Conversion } from '../rows/convert.js';
import type { ColumnRequest } from '../rows/row-source.js';
import type { NumericDType } from '../schema/dtypes.js';
import { describeSchema, leavesOf, type Leaf } from '../schema/schema.js';
import type { ColumnSpec, Field, Schema } from '../schema/types.js';
import type { Picked, Picker } from './recipe.js';

/**
 * Columns by the names that a framework wants, each a column's path or `{ column, dtype, scale, oneHot }`.
 * @param fallback conversion of a column for which none is asked, such as int64 for a framework without it
 * @param option the caller's, which the specifications are, for messages
 */
export function pickColumns(
  specs: Readonly<Record<string, ColumnSpec<any>>>,
  fallback: (leaf: Leaf) => Conversion | undefined,
  option = 'columns',
): Picker {
  let last: { readonly schema: Schema; readonly picked: Picked } | undefined;
  return {
    resolve(schema) {
      if (last?.schema !== schema) last = { schema, picked: resolve(schema, specs, fallback, option) };
      return last.picked;
    },
  };
}

function resolve(
  schema: Schema,
  specs: Readonly<Record<string, ColumnSpec<any>>>,
  fallback: (leaf: Leaf) => Conversion | undefined,
  option: string,
): Picked {
  const leaves = leavesOf(schema);
  const picked: Record<string, Field> = {};
  const requests = Object.entries(specs).map(([name, spec]): ColumnRequest => {
    const wanted = typeof spec === 'string' ? { column: spec } : spec;
    const place = leaves.findIndex((leaf) => leaf.name === wanted?.column);
    if (place < 0) {
      throw invalidArgument(
        `${option}.${name}: no column ${JSON.stringify(wanted?.column)} in ${describeSchema(schema)}${didYouMean(
          wanted?.column,
          leaves.map(({ name: known }) => known),
        )}`,
        { column: name },
      );
    }
    const leaf = leaves[place] as Leaf;
    const to =
      conversionOf(leaf, wanted as { dtype?: NumericDType; scale?: number; oneHot?: number }) ?? fallback(leaf);
    const { dtype, shape } = to === undefined ? leaf : convertedLeaf(leaf, to);
    picked[name] = { dtype, shape };
    return { leaf: place, to };
  });
  if (requests.length === 0) throw invalidArgument(`${option}: name at least one`);
  return { schema: picked, requests };
}

function conversionOf(
  leaf: Leaf,
  { dtype, scale, oneHot }: { dtype?: NumericDType; scale?: number; oneHot?: number },
): Conversion | undefined {
  if (dtype === undefined && scale === undefined && oneHot === undefined) return undefined;
  return { dtype: dtype ?? (leaf.dtype === 'float64' && oneHot === undefined ? 'float64' : 'float32'), scale, oneHot };
}
