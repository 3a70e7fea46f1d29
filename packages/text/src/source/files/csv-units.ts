import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { DataRefError, isDataRefError } from '@dataref/core';
import { checkColumns } from '../columns.js';
import type { TextRow, TextUnit } from '../text-source.js';
import { unitsInTurn } from '../unit.js';
import { readBytes } from './file-bytes.js';
import type { DataFile } from './file-format.js';
import { utf8Stream } from './utf8.js';

const RECORD_LIMIT = 256 << 20;
const ROWS_AT_ONCE = 1024;

/** Units of a file of comma- or tab-separated values whose first row names the columns. An empty value is null, as pandas reads it. */
export function csvUnits(file: DataFile, columns: readonly string[], signal?: AbortSignal): AsyncGenerator<TextUnit> {
  return unitsInTurn('', csvRows(file, columns, signal), signal);
}

async function* csvRows(
  { path, name, compression, format }: DataFile,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly TextRow[]> {
  const parser = parse({
    bom: true,
    delimiter: format === 'tsv' ? '\t' : ',',
    max_record_size: RECORD_LIMIT,
    skip_empty_lines: true,
  });
  pipeline(Readable.from(utf8Checked(readBytes(path, compression, signal), name)), parser, () => undefined);
  let places: readonly number[] | undefined;
  let rows: TextRow[] = [];
  try {
    for await (const record of parser as AsyncIterable<readonly string[]>) {
      if (places === undefined) {
        checkColumns(name, columns, record);
        places = columns.map((column) => record.indexOf(column));
        continue;
      }
      rows.push(places.map((place) => record[place] || null));
      if (rows.length < ROWS_AT_ONCE) continue;
      yield rows;
      rows = [];
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (isDataRefError(error)) throw error;
    const problem = (error as Error).message;
    throw new DataRefError('CORRUPT', `${name}: is not the ${format} that it should be: ${problem}`, {
      cause: error,
      details: { file: name },
    });
  } finally {
    parser.destroy();
  }
  if (rows.length > 0) yield rows;
}

/** The bytes, all of which must be UTF-8. */
async function* utf8Checked(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const check = utf8Stream(name);
  for await (const chunk of bytes) {
    check(chunk);
    yield chunk;
  }
  check(undefined);
}
