import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { checkColumns, textOf } from '../columns.js';
import type { TextRow, TextUnit } from '../text-source.js';
import { unitOfRows, unitsInTurn } from '../unit.js';
import { readBytes } from './file-bytes.js';
import type { DataFile } from './file-format.js';
import { lineBlocks } from './line-blocks.js';
import { wholeFile } from './text-units.js';
import { utf8, withoutMark } from './utf8.js';

type Json = Readonly<Record<string, unknown>>;

/** Units of a file of JSON lines, or of one JSON array of objects. A row that lacks a column has null there; the first must have all. */
export async function* jsonUnits(
  file: DataFile,
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<TextUnit> {
  if (await isArray(file, signal)) yield* unitsInTurn('', arrayRows(file, columns, signal), signal);
  else
    for await (const block of lineBlocks(file.path, file.compression, signal))
      yield {
        id: block.id,
        async *rows(options) {
          yield* unitOfRows(block.id, rowsOfLines(await block.read(), block.id, file.name, columns)).rows(options);
        },
      };
}

/** An array's bracket is the first thing in its file. */
async function isArray({ path, compression }: DataFile, signal: AbortSignal | undefined): Promise<boolean> {
  for await (const bytes of readBytes(path, compression, signal)) {
    const first = withoutMark(bytes.toString('latin1').replace('\u00ef\u00bb\u00bf', '')).trimStart();
    if (first !== '') return first.startsWith('[');
  }
  return false;
}

function rowsOfLines(bytes: Buffer, block: string, name: string, columns: readonly string[]): TextRow[] {
  const text = utf8(bytes, name);
  const lines = (block === '0' ? withoutMark(text) : text).split('\n');
  const rows: TextRow[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    // Only the first stretch knows how many lines there are before one of its own.
    const where = () =>
      block === '0' ? `${name}, line ${i + 1}` : `${name}, line ${i + 1} of its part ${block} (4 MiB each)`;
    const record = objectOf(parsed(line, where), where);
    if (rows.length === 0 && block === '0') checkColumns(name, columns, Object.keys(record));
    rows.push(rowOf(record, columns, where));
  });
  return rows;
}

async function* arrayRows(
  { path, name, compression }: DataFile,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly TextRow[]> {
  const text = withoutMark(utf8(await wholeFile(readBytes(path, compression, signal), name), name));
  const items = parsed(text, () => name) as readonly unknown[];
  const rows = items.map((item, i) => {
    const where = () => `${name}, item ${i}`;
    const record = objectOf(item, where);
    if (i === 0) checkColumns(name, columns, Object.keys(record));
    return rowOf(record, columns, where);
  });
  yield rows;
}

function rowOf(record: Json, columns: readonly string[], where: () => string): TextRow {
  return columns.map((column) => (Object.hasOwn(record, column) ? textOf(record[column], column, where) : null));
}

function parsed(text: string, where: () => string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DataRefError('CORRUPT', `${where()}: is no JSON: ${(cause as Error).message}`, { cause });
  }
}

function objectOf(value: unknown, where: () => string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new DataRefError('SCHEMA_MISMATCH', `${where()}: expected an object, got ${describeValue(value)}`);
}
