import { basename } from 'node:path';
import { oneOf, sha256Text } from '@dataref/core/adapter';
import type { TextSource, TextSplit } from '../text-source.js';
import { fileHash } from './file-hash.js';
import { FILE_FORMATS, formatOfFile, type DataFile, type FileFormat } from './file-format.js';
import { fileUnits } from './file-units.js';
import { findFiles, type DataFiles } from './find-files.js';
import type { SampleBy } from './text-units.js';

export interface FileSourceOptions {
  /** Paths or globs below `dataDir`, or those by split; default: all files of `dataDir`, their splits told by their names. */
  readonly dataFiles?: DataFiles | undefined;
  readonly dataDir?: string | undefined;
  /** Columns to read, in this order; a text file has `text` alone. */
  readonly columns: readonly string[];
  /** What the files hold; default: what each name says. */
  readonly format?: FileFormat | undefined;
  /** What is one row of a text file; default: a line. */
  readonly sampleBy?: SampleBy | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file of a source. */
export interface SourceFile extends DataFile {
  /** Same bytes, same text. */
  readonly hash: string;
  /** Brings a file of elsewhere to the local disk: gives its path there. */
  readonly fetch?: ((signal: AbortSignal | undefined) => Promise<string>) | undefined;
}

/**
 * Text of files: text, JSON lines, CSV, TSV, Parquet, Arrow, all but the last two also within gzip, brotli or, where
 * Node has it, Zstandard. Its fingerprint is of the files' contents: they are read whole, once, before anything else.
 * @throws DataRefError NOT_FOUND for a pattern without a file; UNSUPPORTED for a file of an unknown kind; INVALID_ARGUMENT;
 * while units are read also SCHEMA_MISMATCH for a column that is not there or holds no text, CORRUPT for a file that is
 * not what it says
 */
export async function openFileSource(options: FileSourceOptions): Promise<TextSource> {
  const { dataFiles, dataDir, columns, format, sampleBy = 'line', signal } = options;
  oneOf('format', format, [undefined, ...FILE_FORMATS]);
  oneOf('sampleBy', sampleBy, ['line', 'paragraph', 'document']);
  const splits = new Map<string, SourceFile[]>();
  for (const [split, paths] of await findFiles(dataFiles, dataDir)) {
    const files = paths.map((path) => ({ path, name: path, ...formatOfFile(path, format) }));
    const hashed: SourceFile[] = [];
    for (const file of files) hashed.push({ ...file, hash: await fileHash(file.path, signal) });
    splits.set(split, hashed);
  }
  const origin = { kind: 'files', files: namesOf(splits) };
  return sourceOfFiles(splits, { columns, sampleBy, origin });
}

function namesOf(splits: ReadonlyMap<string, readonly DataFile[]>): Record<string, string[]> {
  return Object.fromEntries(Array.from(splits, ([split, files]) => [split, files.map(({ path }) => basename(path))]));
}

/** A source of files whose hashes are known: the same text from a disk and from a hub of large files has one fingerprint. */
export function sourceOfFiles(
  splits: ReadonlyMap<string, readonly SourceFile[]>,
  options: { readonly columns: readonly string[]; readonly sampleBy: SampleBy; readonly origin: TextSource['origin'] },
): TextSource {
  const { columns, sampleBy, origin } = options;
  const lines = Array.from(splits).flatMap(([split, files]) => [
    `split ${JSON.stringify(split)}`,
    ...files.map(({ hash, format, compression = 'plain' }) => `${hash} ${format} ${compression}`),
  ]);
  return {
    splits: Array.from(splits, ([name, files]) => splitOf(name, files, columns, sampleBy)),
    fingerprint: sha256Text(['files', `sampleBy ${sampleBy}`, ...lines].join('\n')),
    origin,
  };
}

function splitOf(
  name: string,
  files: readonly SourceFile[],
  columns: readonly string[],
  sampleBy: SampleBy,
): TextSplit {
  return {
    name,
    async *units({ signal }) {
      for (const [index, { fetch, ...file }] of files.entries()) {
        const path = fetch === undefined ? file.path : await fetch(signal);
        for await (const unit of fileUnits({ ...file, path }, columns, { sampleBy, signal }))
          yield { id: `${index}-${unit.id}`, file: file.name, rows: (options) => unit.rows(options) };
      }
    },
  };
}
