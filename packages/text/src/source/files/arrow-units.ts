import { open } from 'node:fs/promises';
import type { RecordBatch } from 'apache-arrow';
import { DataRefError, isDataRefError } from '@dataref/core';
import { checkColumns, textOf } from '../columns.js';
import type { TextRow, TextUnit } from '../text-source.js';
import { unitsInTurn } from '../unit.js';
import { fileError } from './file-bytes.js';
import type { DataFile } from './file-format.js';

/** Units of an Arrow file, in the format of files (Feather 2) or of streams, as `datasets` keeps its own. */
export function arrowUnits(file: DataFile, columns: readonly string[], signal?: AbortSignal): AsyncGenerator<TextUnit> {
  return unitsInTurn('', arrowRows(file, columns), signal);
}

async function* arrowRows({ path, name }: DataFile, columns: readonly string[]): AsyncGenerator<readonly TextRow[]> {
  const { RecordBatchReader } = await import('apache-arrow');
  const handle = await open(path).catch((error: unknown) => {
    throw fileError(path, error);
  });
  let start = 0;
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    checkColumns(
      name,
      columns,
      reader.schema.fields.map((field) => field.name),
    );
    for await (const batch of reader) {
      yield batchRows(batch, columns, name, start);
      start += batch.numRows;
    }
  } catch (error) {
    throw damaged(name, error);
  } finally {
    await handle.close().catch(() => undefined); // the reader may have closed it
  }
}

function batchRows(batch: RecordBatch, columns: readonly string[], name: string, start: number): TextRow[] {
  const vectors = columns.map((column) => batch.getChild(column));
  return Array.from({ length: batch.numRows }, (_, i) =>
    vectors.map((vector, k) => textOf(vector?.get(i), columns[k] as string, () => `${name}, row ${start + i}`)),
  );
}

function damaged(name: string, cause: unknown): DataRefError {
  if (isDataRefError(cause)) return cause;
  const { message, code } = cause as NodeJS.ErrnoException;
  if (code !== undefined) return fileError(name, cause);
  return new DataRefError('CORRUPT', `${name}: is no whole Arrow file: ${message}`, { cause, details: { file: name } });
}
