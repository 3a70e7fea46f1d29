import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect } from '@jest/globals';
import type { FileStorage } from '@dataref/core/fs';

const made: string[] = [];
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  made.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

/** A new folder that is removed after the file's tests. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dataref-crash-'));
  made.push(folder);
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Starts a program; `onLine` is told each line that it says, and may kill it. */
export function run(
  command: string,
  args: readonly string[],
  onLine: (line: string, child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  const lines: string[] = [];
  let rest = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      onLine(line, child);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, lines, errors });
    });
  });
}

/** As `run`, a program that may write no file above so many KiB. It needs bash and its ulimit, and fails without. */
export function runLimited(
  largestKibibytes: number,
  command: string,
  args: readonly string[],
  onLine?: (line: string, child: ChildProcess) => void,
): Promise<Ended> {
  const program = `ulimit -f ${largestKibibytes} || exit; exec "$0" "$@"`;
  return run('bash', ['-c', program, command, ...args], onLine);
}

export function script(name: string): string {
  return join(import.meta.dirname, name);
}

/** Every file, and every empty folder with a slash at its end. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), entry.isDirectory() ? readdirSync(path).length : -1] as const;
    })
    .filter(([, entries]) => entries <= 0)
    .map(([path, entries]) => (entries === 0 ? `${path}/` : path))
    .sort();
}

/** The tag of x@1, which must be whole and of one submit; undefined where there is no such dataset. */
export async function wholeTag(storage: FileStorage, length: number): Promise<number | undefined> {
  if (!(await storage.has('x', '1'))) return undefined;
  const { ok, problems } = await storage.verify('x', '1');
  if (!ok) throw new Error(`x@1 is damaged: ${problems.map(({ message }) => message).join('; ')}`);
  const dataref = await storage.fetch('x', '1');
  const records = (await dataref.read(Array.from({ length: dataref.length }, (_, i) => i))).records() as {
    tag: number;
    i: number;
  }[];
  const tag = records[0]?.tag;
  const stray = records.find((record, i) => record.tag !== tag || record.i !== i);
  if (records.length !== length || stray !== undefined)
    throw new Error(`${records.length} records of ${length}; stray: ${JSON.stringify(stray)}`);
  return tag;
}

/** What is on the disk when x@1, of one part, is all there is. */
export const ONE_DATASET = [
  expect.stringMatching(/^x\/1\/data\/[0-9a-f]{16}\/00000000\.arrow$/u),
  expect.stringMatching(/^x\/1\/data\/[0-9a-f]{16}\/00000000\.head$/u),
  'x/1/dataset.json',
];
