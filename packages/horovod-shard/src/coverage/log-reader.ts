import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { checkFilePath, checkPath } from '@dataref/core/adapter';
import { faultOfEntry, faultOfStart } from './checks.js';
import { linesOf, readError } from './lines.js';
import { FORMAT, runOfName, VERSION } from './log-file.js';
import type { RankLog, Seen } from './types.js';

/**
 * The logs that `coverageLog` wrote. Only their first lines are read here; `proveCoverage` reads the rest, a line at a
 * time. A last line that was cut is left out, and so is a file without a whole line: the processes were killed there.
 * @param from the folder, or the paths of the files, as where each machine wrote on a disk of its own
 * @throws DataRefError NOT_FOUND where there is none; CORRUPT, UNSUPPORTED, STORE_FAILED, INVALID_ARGUMENT
 */
export async function readCoverageLogs(from: string | URL | readonly (string | URL)[]): Promise<RankLog[]> {
  const paths = Array.isArray(from) ? (from as readonly (string | URL)[]).map(filePath) : await filesIn(from as string);
  const logs: RankLog[] = [];
  for (const path of paths) {
    const log = await openLog(path);
    if (log !== undefined) logs.push(log);
  }
  if (logs.length > 0) return logs;
  throw new DataRefError(
    'NOT_FOUND',
    `readCoverageLogs: there is no log in ${Array.isArray(from) ? 'the files given' : String(from)}. Logs are named run-N.rank-N.jsonl`,
  );
}

async function filesIn(folder: string | URL): Promise<string[]> {
  const path = pathOf(checkPath('readCoverageLogs', folder));
  try {
    if ((await stat(path)).isFile()) return [filePath(path)];
    const names = await readdir(path);
    return names.filter((name) => runOfName(name) !== undefined).map((name) => filePath(join(path, name)));
  } catch (error) {
    throw readError(path, error);
  }
}

function filePath(path: string | URL): string {
  return pathOf(checkFilePath('readCoverageLogs', path));
}

function pathOf(path: string | URL): string {
  return typeof path === 'string' ? path : fileURLToPath(path);
}

async function openLog(path: string): Promise<RankLog | undefined> {
  for await (const line of linesOf(path)) {
    const { format, version, run, rank, size, step } = parse(path, 1, line) as Record<string, unknown>;
    if (format !== FORMAT) throw corrupt(path, 1, `its format is not ${FORMAT}`);
    if (version !== VERSION)
      throw new DataRefError(
        'UNSUPPORTED',
        `coverage log ${path}: this release reads version ${VERSION}, not this one`,
      );
    const fault = faultOfStart({ run, rank, size, step });
    if (fault !== undefined) throw corrupt(path, 1, fault);
    return { run, rank, size, step, entries: { [Symbol.asyncIterator]: () => entriesOf(path) } } as RankLog;
  }
  return undefined;
}

async function* entriesOf(path: string): AsyncGenerator<Seen> {
  let number = 0;
  for await (const line of linesOf(path)) {
    if (++number === 1) continue;
    const entry = parse(path, number, line) as unknown as Seen;
    const fault = faultOfEntry(entry);
    if (fault !== undefined) throw corrupt(path, number, fault);
    yield entry;
  }
}

function parse(path: string, number: number, line: string): object {
  try {
    return Object(JSON.parse(line)) as object;
  } catch (error) {
    throw corrupt(path, number, 'it is no JSON', error);
  }
}

function corrupt(path: string, line: number, what: string, cause?: unknown): DataRefError {
  return new DataRefError('CORRUPT', `coverage log ${path}, line ${line}: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    details: { path, line },
  });
}
