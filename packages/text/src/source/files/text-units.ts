import { DataRefError } from '@dataref/core';
import type { TextRow, TextUnit } from '../text-source.js';
import { unitOfRows, unitsInTurn } from '../unit.js';
import { readBytes } from './file-bytes.js';
import type { DataFile } from './file-format.js';
import { lineBlocks } from './line-blocks.js';
import { utf8, withoutMark } from './utf8.js';

/** What is one row of a text file: a line, lines up to an empty one, or the file. As `sample_by` of `datasets`. */
export type SampleBy = 'line' | 'paragraph' | 'document';

const DOCUMENT_LIMIT = 256 << 20;

/** Units of a text file, of its one column `text`. Line ends are taken off, and are `\n` within a row. */
export async function* textUnits(file: DataFile, sampleBy: SampleBy, signal?: AbortSignal): AsyncGenerator<TextUnit> {
  if (sampleBy === 'document') yield* documentUnit(file, signal);
  else if (sampleBy === 'paragraph') yield* unitsInTurn('', paragraphs(file, signal), signal);
  else
    for await (const block of lineBlocks(file.path, file.compression, signal))
      yield {
        id: block.id,
        async *rows(options) {
          const lines = linesOf(await block.read(), block.id, file.name);
          yield* unitOfRows(
            block.id,
            lines.map((line) => [line]),
          ).rows(options);
        },
      };
}

function linesOf(bytes: Buffer, block: string, name: string): string[] {
  if (bytes.length === 0) return [];
  const text = utf8(bytes, name);
  const lines = lineEnds(block === '0' ? withoutMark(text) : text).split('\n');
  if (lines.at(-1) === '') lines.pop(); // after the last line's end
  return lines;
}

function lineEnds(text: string): string {
  return text.includes('\r') ? text.replaceAll(/\r\n?/gu, '\n') : text;
}

async function* paragraphs(file: DataFile, signal: AbortSignal | undefined): AsyncGenerator<readonly TextRow[]> {
  let lines: string[] = [];
  for await (const block of lineBlocks(file.path, file.compression, signal)) {
    const rows: TextRow[] = [];
    for (const line of linesOf(await block.read(), block.id, file.name)) {
      if (line !== '') lines.push(line);
      else if (lines.length > 0) {
        rows.push([lines.join('\n')]);
        lines = [];
      }
    }
    yield rows;
  }
  if (lines.length > 0) yield [[lines.join('\n')]];
}

async function* documentUnit(
  { path, name, compression }: DataFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextUnit> {
  yield {
    id: '0',
    async *rows() {
      const bytes = await wholeFile(readBytes(path, compression, signal), name);
      yield [[lineEnds(withoutMark(utf8(bytes, name)))]];
    },
  };
}

/** A file's bytes together. @throws DataRefError MEMORY_LIMIT above 256 MiB */
export async function wholeFile(bytes: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length > DOCUMENT_LIMIT)
      throw new DataRefError(
        'MEMORY_LIMIT',
        `${name}: has more than ${DOCUMENT_LIMIT} bytes, which would be read at once; take its lines as rows (sampleBy 'line', JSON lines)`,
        { details: { file: name, limitBytes: DOCUMENT_LIMIT } },
      );
  }
  return Buffer.concat(parts, length);
}
