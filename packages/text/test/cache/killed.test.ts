import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { filesOf } from './build.js';

jest.setTimeout(600_000);
const PROGRAM = fileURLToPath(new URL('build-cache.mjs', import.meta.url));
const UNITS = 46;
const random = randomOf(announceSeed('text/killed'));

interface Outcome {
  readonly path?: string;
  readonly code?: string;
  readonly message?: string;
  readonly calls: number;
}

/** Builds the cache in another process. @returns undefined where that was killed */
async function run(directory: string, ...args: readonly string[]): Promise<Outcome | undefined> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, directory, ...args]);
    return JSON.parse(stdout) as Outcome;
  } catch (error) {
    expect(error).toMatchObject({ signal: 'SIGKILL' });
    return undefined;
  }
}

/** Caches in a folder, and what is left of their making. */
const namesIn = (directory: string) => readdirSync(directory).sort();
const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

let whole: Record<string, string>;
let calls: number;
beforeAll(async () => {
  const outcome = await run(tempFolder());
  calls = (outcome as Outcome).calls;
  whole = filesOf((outcome as Outcome).path as string);
});

test.each(Array.from({ length: runs(20) }, (_, i) => i))(
  'killed at any calls of the file system, the cache is the same to the byte in the end: %d',
  async () => {
    const directory = tempFolder();
    let outcome: Outcome | undefined;
    const kills: number[] = [];
    for (let i = 0; i < 3 && outcome === undefined; i++) {
      kills.push(1 + Math.floor(random() * calls * 0.9));
      outcome = await run(directory, 'kill', String(kills.at(-1)));
      // What is visible is whole.
      for (const name of namesIn(directory).filter((entry) => !entry.startsWith('.')))
        expect(filesOf(join(directory, name))).toEqual(whole);
    }
    outcome = await run(directory);
    expect({ kills, code: outcome?.code }).toEqual({ kills, code: undefined });
    expect(filesOf(outcome?.path as string)).toEqual(whole);
    expect(namesIn(directory)).toHaveLength(1);
  },
);

test('after a kill no unit of a part that was done is read again', async () => {
  const directory = tempFolder();
  const [first, second] = [join(tempFolder(), 'log'), join(tempFolder(), 'log')];
  expect(await run(directory, 'kill', String(Math.floor(calls / 2)), first)).toBeUndefined();
  const outcome = await run(directory, 'build', 'never', second);
  expect(filesOf(outcome?.path as string)).toEqual(whole);
  const [before, after] = [linesOf(first), linesOf(second)];
  expect(new Set([...before, ...after]).size).toBe(UNITS);
  expect(after.length).toBeLessThan(UNITS);
  expect(after).not.toContain(before[0]);
});

test('processes that want one cache at once build it once', async () => {
  const directory = tempFolder();
  const log = join(tempFolder(), 'log');
  const outcomes = await Promise.all([1, 2, 3].map(() => run(directory, 'build', 'never', log)));
  for (const outcome of outcomes) expect(outcome?.path).toBe(outcomes[0]?.path);
  expect(filesOf(outcomes[0]?.path as string)).toEqual(whole);
  expect(linesOf(log)).toHaveLength(UNITS);
  expect(namesIn(directory)).toHaveLength(1);
});

test.each(Array.from({ length: runs(20) }, (_, i) => i))(
  'a disk that is full from any call on says so, shows no half of a cache, and the next run goes on: %d',
  async () => {
    const directory = tempFolder();
    const at = 1 + Math.floor(random() * calls * 0.9);
    const full = await run(directory, 'full', String(at));
    const visible = namesIn(directory).filter((name) => !name.startsWith('.'));
    // The last calls move and remove alone.
    if (full?.code === undefined) expect(filesOf(full?.path as string)).toEqual(whole);
    else expect({ at, code: full.code, visible }).toEqual({ at, code: 'DISK_FULL', visible: [] });
    const outcome = await run(directory);
    expect(filesOf(outcome?.path as string)).toEqual(whole);
    expect(namesIn(directory)).toHaveLength(1);
  },
);
