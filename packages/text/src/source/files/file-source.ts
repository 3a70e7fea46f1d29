import { basename } from 'node:path';
import { DataRefError } from '@dataref/core';
import { describeValue, oneOf, sha256Text, shown } from '@dataref/core/adapter';
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
  /** Throws where the bytes are others now; what is fetched is verified then. */
  readonly checkSame?: (() => Promise<void>) | undefined;
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
  checkReading(options);
  const splits = new Map<string, SourceFile[]>();
  for (const [split, paths] of await findFiles(dataFiles, dataDir)) {
    const files = paths.map((path) => ({ path, name: path, ...formatOfFile(path, format) }));
    const hashed: SourceFile[] = [];
    for (const file of files) hashed.push({ ...file, ...(await fileHash(file.path, signal)) });
    splits.set(split, hashed);
  }
  const origin = { kind: 'files', ...listedFiles(splits, ({ path }) => basename(path)) };
  return sourceOfFiles(splits, { columns, sampleBy, origin });
}

/** @throws DataRefError INVALID_ARGUMENT for options of files that are none, wherever the files are */
export function checkReading({ dataDir, format, sampleBy }: Omit<FileSourceOptions, 'columns'>): void {
  if (dataDir !== undefined && (typeof dataDir !== 'string' || dataDir === ''))
    throw new DataRefError('INVALID_ARGUMENT', `dataDir: must be the path of a folder, got ${describeValue(dataDir)}`);
  oneOf('format', format, [undefined, ...FILE_FORMATS]);
  oneOf('sampleBy', sampleBy, [undefined, 'line', 'paragraph', 'document']);
}

/** Names of so many files of a split are told of a source; a config has no room for all of a hundred thousand. */
const LISTED = 100;

/** What an origin says of files: their names by split, and how many there are where those are the first. */
export function listedFiles<F>(splits: ReadonlyMap<string, readonly F[]>, nameOf: (file: F) => string): object {
  const ofEach = <T>(tell: (files: readonly F[]) => T) =>
    Object.fromEntries(Array.from(splits, ([split, files]) => [split, tell(files)]));
  const files = ofEach((some) => some.slice(0, LISTED).map((file) => shown(nameOf(file), 300)));
  const isWhole = Array.from(splits.values()).every(({ length }) => length <= LISTED);
  return isWhole ? { files } : { files, fileCounts: ofEach(({ length }) => length) };
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
      for (const [index, { fetch, checkSame, ...file }] of files.entries()) {
        const path = fetch === undefined ? file.path : await fetch(signal);
        for await (const unit of fileUnits({ ...file, path }, columns, { sampleBy, signal }))
          yield {
            id: `${index}-${unit.id}`,
            file: file.name,
            async *rows(options) {
              yield* unit.rows(options);
              await checkSame?.(); // before the unit ends, and may be kept
            },
          };
      }
    },
  };
}
