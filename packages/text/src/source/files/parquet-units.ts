import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { DataRefError, isDataRefError } from '@dataref/core';
import { checkColumns, textOf } from '../columns.js';
import type { TextRow, TextUnit } from '../text-source.js';
import { unitOfRows } from '../unit.js';
import { fileError } from './file-bytes.js';
import type { DataFile } from './file-format.js';

type File = Awaited<ReturnType<typeof asyncBufferFromFile>>;
type Metadata = Awaited<ReturnType<typeof parquetMetadataAsync>>;

/** Units of a Parquet file: its row groups. */
export async function* parquetUnits({ path, name }: DataFile, columns: readonly string[]): AsyncGenerator<TextUnit> {
  const { file, metadata } = await opened(path, name);
  checkColumns(
    name,
    columns,
    parquetSchema(metadata).children.map(({ element }) => element.name),
  );
  let start = 0;
  for (const [group, { num_rows: rowCount }] of metadata.row_groups.entries()) {
    const rowStart = start;
    start += Number(rowCount);
    const rowEnd = start;
    yield {
      id: String(group),
      async *rows(options) {
        options.signal?.throwIfAborted();
        const rows = await groupRows(name, file, metadata, { columns, rowStart, rowEnd });
        yield* unitOfRows(String(group), rows).rows(options);
      },
    };
  }
}

async function opened(path: string, name: string): Promise<{ readonly file: File; readonly metadata: Metadata }> {
  let file: File;
  try {
    file = await asyncBufferFromFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
  try {
    return { file, metadata: await parquetMetadataAsync(file) };
  } catch (error) {
    throw damaged(name, error);
  }
}

async function groupRows(
  name: string,
  file: File,
  metadata: Metadata,
  range: { readonly columns: readonly string[]; readonly rowStart: number; readonly rowEnd: number },
): Promise<TextRow[]> {
  const { columns, rowStart, rowEnd } = range;
  let records: readonly Record<string, unknown>[];
  try {
    records = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd, columns: [...columns] });
  } catch (error) {
    throw damaged(name, error);
  }
  if (records.length !== rowEnd - rowStart)
    throw damaged(name, new Error(`rows ${rowStart} to ${rowEnd} are ${records.length}`));
  return records.map((record, i) =>
    columns.map((column) => textOf(record[column], column, () => `${name}, row ${rowStart + i}`)),
  );
}

function damaged(name: string, cause: unknown): DataRefError {
  if (isDataRefError(cause)) return cause;
  const { message, code } = cause as NodeJS.ErrnoException;
  if (code !== undefined) return fileError(name, cause);
  return new DataRefError('CORRUPT', `${name}: is no whole Parquet file: ${message}`, {
    cause,
    details: { file: name },
  });
}
