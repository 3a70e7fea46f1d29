import { DataRefError } from '@dataref/core';

export const FILE_FORMATS = ['text', 'json', 'csv', 'tsv', 'parquet', 'arrow'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];
export type FileCompression = 'gzip' | 'zstd' | 'brotli';

/** A file of text, and what it holds. */
export interface DataFile {
  readonly path: string;
  /** What messages call it. */
  readonly name: string;
  readonly format: FileFormat;
  readonly compression: FileCompression | undefined;
}

const FORMAT_OF: Readonly<Record<string, FileFormat>> = {
  txt: 'text',
  text: 'text',
  md: 'text',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
  arrow: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
};
const COMPRESSION_OF: Readonly<Record<string, FileCompression>> = { gz: 'gzip', zst: 'zstd', br: 'brotli' };

/** What a file's name says of it: `news.jsonl.gz` is JSON lines within gzip. The format is undefined where it says none. */
export function formatOfName(name: string): {
  readonly format: FileFormat | undefined;
  readonly compression: FileCompression | undefined;
} {
  const endings = name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .split('.')
    .slice(1);
  const compression = COMPRESSION_OF[endings.at(-1) ?? ''];
  if (compression !== undefined) endings.pop();
  const ending = endings.at(-1) ?? '';
  return { format: Object.hasOwn(FORMAT_OF, ending) ? FORMAT_OF[ending] : undefined, compression };
}

/** @throws DataRefError UNSUPPORTED where neither the user nor the name says what a file holds, or it is compressed twice */
export function formatOfFile(
  name: string,
  given: FileFormat | undefined,
): { readonly format: FileFormat; readonly compression: FileCompression | undefined } {
  const { format = given, compression } = formatOfName(name);
  const taken = given ?? format;
  if (taken === undefined)
    throw new DataRefError(
      'UNSUPPORTED',
      `${name}: its name does not tell what it holds (${Object.keys(FORMAT_OF)
        .map((ending) => `.${ending}`)
        .join(', ')}); give format, one of ${FILE_FORMATS.join(', ')}`,
      { details: { file: name } },
    );
  if (compression !== undefined && (taken === 'parquet' || taken === 'arrow'))
    throw new DataRefError(
      'UNSUPPORTED',
      `${name}: ${taken} is read by position, which ${compression} around it does not allow; decompress it, or compress its columns instead`,
      { details: { file: name } },
    );
  return { format: taken, compression };
}
