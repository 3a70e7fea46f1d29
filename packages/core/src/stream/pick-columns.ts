import { invalidArgument, shown } from '../errors.js';
import { convertedLeaf, type Conversion } from '../rows/convert.js';
import type { ColumnRequest } from '../rows/row-source.js';
import type { NumericDType } from '../schema/dtypes.js';
import { describeSchema, leavesOf, type Leaf } from '../schema/schema.js';
import type { ColumnSpec, Field, Schema } from '../schema/types.js';
import type { Picked, Picker } from './recipe.js';

/**
 * Columns by the names that a framework wants, each a column's path or `{ column, dtype, scale, oneHot }`.
 * @param fallback conversion of a column for which none is asked, such as int64 for a framework without it
 */
export function pickColumns(
  specs: Readonly<Record<string, ColumnSpec<any>>>,
  fallback: (leaf: Leaf) => Conversion | undefined,
): Picker {
  let last: { readonly schema: Schema; readonly picked: Picked } | undefined;
  return {
    resolve(schema) {
      if (last?.schema !== schema) last = { schema, picked: resolve(schema, specs, fallback) };
      return last.picked;
    },
  };
}

function resolve(
  schema: Schema,
  specs: Readonly<Record<string, ColumnSpec<any>>>,
  fallback: (leaf: Leaf) => Conversion | undefined,
): Picked {
  const leaves = leavesOf(schema);
  const picked: Record<string, Field> = {};
  const requests = Object.entries(specs).map(([name, spec]): ColumnRequest => {
    const wanted = typeof spec === 'string' ? { column: spec } : spec;
    const place = leaves.findIndex((leaf) => leaf.name === wanted?.column);
    if (place < 0) {
      throw invalidArgument(
        `columns.${name}: no column ${JSON.stringify(wanted?.column)} in ${describeSchema(schema)}${suggestion(wanted?.column, leaves)}`,
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
  if (requests.length === 0) throw invalidArgument('columns: name at least one');
  return { schema: picked, requests };
}

/** Names the column that was probably meant: at most a third of its letters differ, or two that changed places. */
function suggestion(wanted: unknown, leaves: readonly Leaf[]): string {
  if (typeof wanted !== 'string') return '';
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const { name } of leaves) {
    const edits = editsBetween(wanted, name);
    if (edits <= Math.max(name.length < 4 ? 1 : 2, name.length / 3) && edits < (best?.edits ?? Infinity))
      best = { name, edits };
  }
  return best === undefined ? '' : `; did you mean "${shown(best.name)}"?`;
}

/** Levenshtein's distance, letters compared without case. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const same = a.charAt(i).toLowerCase() === b.charAt(j).toLowerCase() ? 0 : 1;
      next.push(Math.min((row[j] as number) + same, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function conversionOf(
  leaf: Leaf,
  { dtype, scale, oneHot }: { dtype?: NumericDType; scale?: number; oneHot?: number },
): Conversion | undefined {
  if (dtype === undefined && scale === undefined && oneHot === undefined) return undefined;
  return { dtype: dtype ?? (leaf.dtype === 'float64' && oneHot === undefined ? 'float64' : 'float32'), scale, oneHot };
}
