import type { TextSource, TextSplit } from '../../dist/source/text-source.js';

/** Rows of a split, those of each unit by its id. */
export async function unitsOf(split: TextSplit | undefined): Promise<[string, (string | null)[][]][]> {
  const units: [string, (string | null)[][]][] = [];
  if (split === undefined) throw new Error('there is no such split');
  for await (const unit of split.units({})) {
    const rows: (string | null)[][] = [];
    for await (const some of unit.rows({})) rows.push(...some.map((row) => [...row]));
    units.push([unit.id, rows]);
  }
  return units;
}

export async function rowsOf(source: TextSource, split = 'train'): Promise<(string | null)[][]> {
  const units = await unitsOf(source.splits.find(({ name }) => name === split));
  if (new Set(units.map(([id]) => id)).size !== units.length) throw new Error('two units have one id');
  return units.flatMap(([, rows]) => rows);
}

/** Texts of the first column. */
export async function textsOf(source: TextSource, split = 'train'): Promise<(string | null)[]> {
  return (await rowsOf(source, split)).map(([text = null]) => text);
}
