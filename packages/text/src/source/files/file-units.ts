import { checkColumns } from '../columns.js';
import type { TextUnit } from '../text-source.js';
import { arrowUnits } from './arrow-units.js';
import { csvUnits } from './csv-units.js';
import type { DataFile } from './file-format.js';
import { jsonUnits } from './json-units.js';
import { parquetUnits } from './parquet-units.js';
import { textUnits, type SampleBy } from './text-units.js';

/** Units of one file. Its text is its column `text` where the format knows no columns. */
export function fileUnits(
  file: DataFile,
  columns: readonly string[],
  options: { readonly sampleBy: SampleBy; readonly signal?: AbortSignal | undefined },
): AsyncIterable<TextUnit> {
  const { sampleBy, signal } = options;
  if (file.format === 'text') {
    checkColumns(file.name, columns, ['text']);
    return textUnits(file, sampleBy, signal);
  }
  if (file.format === 'json') return jsonUnits(file, columns, signal);
  if (file.format === 'parquet') return parquetUnits(file, columns);
  if (file.format === 'arrow') return arrowUnits(file, columns, signal);
  return csvUnits(file, columns, signal);
}
