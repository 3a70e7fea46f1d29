import { join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { DataRefError } from '@dataref/core';
import { describeValue, didYouMean } from '@dataref/core/adapter';
import { splitsByName } from '../split-names.js';
import { formatOfName } from './file-format.js';

/** Paths or globs of one split. */
export type FilePatterns = string | readonly string[];
/** Paths or globs: of `train`, or by split. */
export type DataFiles = FilePatterns | Readonly<Partial<Record<'train' | 'validation' | 'test', FilePatterns>>>;

const SPLITS = ['train', 'validation', 'test'];

/** Patterns by split. @throws DataRefError INVALID_ARGUMENT */
export function patternsOf(dataFiles: DataFiles): ReadonlyMap<string, readonly string[]> {
  if (typeof dataFiles === 'string' || Array.isArray(dataFiles))
    return new Map([['train', listOf('dataFiles', dataFiles as FilePatterns)]]);
  if (typeof dataFiles !== 'object' || dataFiles === null)
    throw wrong(`dataFiles must be paths or globs, or those by split, got ${describeValue(dataFiles)}`);
  const entries = Object.entries(dataFiles).filter(([, patterns]) => patterns !== undefined);
  for (const [split] of entries)
    if (!SPLITS.includes(split))
      throw wrong(
        `dataFiles: there are the splits ${SPLITS.join(', ')}, not ${JSON.stringify(split)}${didYouMean(split, SPLITS)}`,
      );
  if (entries.length === 0) throw wrong('dataFiles names no split');
  return new Map(entries.map(([split, patterns]) => [split, listOf(`dataFiles.${split}`, patterns)]));
}

function listOf(what: string, patterns: FilePatterns): readonly string[] {
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  const isList =
    Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string' && item !== '');
  if (isList) return list;
  throw wrong(`${what} must be a path or glob, or several, got ${describeValue(patterns)}`);
}

function wrong(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}

/**
 * Paths of the files by split: those of a pattern in the order of their names, patterns in theirs, each file once.
 * Without `dataFiles`, all files of a known kind in `dataDir`, their splits told by their names.
 * @throws DataRefError NOT_FOUND for a pattern without a file
 */
export async function findFiles(
  dataFiles: DataFiles | undefined,
  dataDir: string | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (dataFiles === undefined) {
    if (dataDir === undefined) throw wrong('give dataFiles (paths or globs), or dataDir (a folder of files)');
    const paths = (await filesOf('**/*', dataDir)).filter((path) => formatOfName(path).format !== undefined);
    if (paths.length === 0)
      throw new DataRefError('NOT_FOUND', `${dataDir}: has no files of text; give dataFiles and format`, {
        details: { dataDir },
      });
    return inFolder(splitsByName(paths), dataDir);
  }
  const splits = new Map<string, readonly string[]>();
  for (const [split, patterns] of patternsOf(dataFiles)) {
    const found = await Promise.all(patterns.map((pattern) => filesOf(pattern, dataDir ?? '.')));
    splits.set(split, Array.from(new Set(found.flat())));
  }
  return inFolder(splits, dataDir ?? '');
}

async function filesOf(pattern: string, folder: string): Promise<string[]> {
  if (!isDynamicPattern(pattern)) return [pattern];
  const found = await glob(pattern, { cwd: folder, onlyFiles: true });
  if (found.length > 0) return found.toSorted(); // by code units, the same everywhere
  throw new DataRefError('NOT_FOUND', `no file is like ${JSON.stringify(pattern)} in ${folder}`, {
    details: { pattern, folder },
  });
}

function inFolder(
  splits: ReadonlyMap<string, readonly string[]>,
  folder: string,
): ReadonlyMap<string, readonly string[]> {
  const joined = (path: string) => (path.startsWith('/') ? path : join(folder, path));
  return new Map(Array.from(splits, ([split, paths]) => [split, paths.map(joined)]));
}
