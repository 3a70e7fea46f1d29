import { DataRefError } from '@dataref/core';
import { describeValue, didYouMean, shown } from '@dataref/core/adapter';

/** @throws DataRefError SCHEMA_MISMATCH naming the columns that there are, where one is wanted that is none of them */
export function checkColumns(where: string, wanted: readonly string[], present: readonly string[]): void {
  const missing = wanted.find((column) => !present.includes(column));
  if (missing === undefined) return;
  const names = present.map((name) => JSON.stringify(shown(name, 60)));
  const listed = names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ');
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `${where}: has no column ${JSON.stringify(missing)}; there are ${listed}${didYouMean(missing, present)}. Name the columns to encode by mappingColumnName`,
    { details: { column: missing, columns: present } },
  );
}

/** A value of a column, null where there is none. @throws DataRefError SCHEMA_MISMATCH for what is no text */
export function textOf(value: unknown, column: string, where: () => string): string | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `${where()}: column ${JSON.stringify(column)} must be text, got ${describeValue(value)}`,
    { details: { column } },
  );
}
