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

/** A file that was found, and the hash of its bytes. */
export interface HashedFile extends DataFile {
  readonly sha256: string;
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
  const splits = new Map<string, HashedFile[]>();
  for (const [split, paths] of await findFiles(dataFiles, dataDir)) {
    const files = paths.map((path) => ({ path, ...formatOfFile(path, format) }));
    const hashed: HashedFile[] = [];
    for (const file of files) hashed.push({ ...file, sha256: await fileHash(file.path, signal) });
    splits.set(split, hashed);
  }
  const origin = { kind: 'files', files: namesOf(splits) };
  return sourceOfFiles(splits, { columns, sampleBy, origin });
}

function namesOf(splits: ReadonlyMap<string, readonly DataFile[]>): Record<string, string[]> {
  return Object.fromEntries(Array.from(splits, ([split, files]) => [split, files.map(({ path }) => basename(path))]));
}

/** A source of files whose hashes are known. */
export function sourceOfFiles(
  splits: ReadonlyMap<string, readonly HashedFile[]>,
  options: { readonly columns: readonly string[]; readonly sampleBy: SampleBy; readonly origin: TextSource['origin'] },
): TextSource {
  const { columns, sampleBy, origin } = options;
  const lines = Array.from(splits).flatMap(([split, files]) => [
    `split ${JSON.stringify(split)}`,
    ...files.map(({ sha256, format, compression = 'plain' }) => `${sha256} ${format} ${compression}`),
  ]);
  return {
    splits: Array.from(splits, ([name, files]) => splitOf(name, files, columns, sampleBy)),
    fingerprint: sha256Text(['files', `sampleBy ${sampleBy}`, ...lines].join('\n')),
    origin,
  };
}

function splitOf(name: string, files: readonly DataFile[], columns: readonly string[], sampleBy: SampleBy): TextSplit {
  return {
    name,
    async *units({ signal }) {
      for (const [index, file] of files.entries())
        for await (const unit of fileUnits(file, columns, { sampleBy, signal }))
          yield { id: `${index}-${unit.id}`, rows: (options) => unit.rows(options) };
    },
  };
}
