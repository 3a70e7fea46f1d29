import { beforeAll, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DataRefError, fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, randomOf, scale } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { changed, storageOver } from './stored.js';

jest.setTimeout(1_800_000);
const random = randomOf(announceSeed('storage/failing-disk'));
const PROGRAM = fileURLToPath(new URL('failing-disk.mjs', import.meta.url));

/** What came of one work on a disk whose call number `at` failed. */
interface Outcome {
  readonly at: number;
  readonly is: string;
  readonly message?: string;
  /** Which dataset was there then, and after the same was done again on a disk that is well. */
  readonly left: string;
  readonly again: string;
  readonly now: string;
}

const WRITES = [
  ['submit over another', 'old'],
  ['submit where there is none', 'none'],
  ['write a share', 'none'],
  ['build', 'none'],
] as const;
const READS = ['read a record', 'stream', 'verify'] as const;
const works = [
  ...WRITES.flatMap(([what, before]) =>
    ['once', 'always'].map((howLong) => ({ what, howLong, before, every: scale < 1 ? 31 : 1 })),
  ),
  ...READS.map((what) => ({ what, howLong: 'once', before: 'old', every: scale < 1 ? 7 : 1 })),
].map((work, i) => ({ ...work, i, first: 1 + Math.floor(random() * work.every) }));

let root: string;
let outcomes: readonly (readonly Outcome[])[];
/** One process does all: what it takes to start is more than one of them takes. */
beforeAll(async () => {
  root = tempFolder();
  const args = [PROGRAM, root, JSON.stringify(works)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 28 });
  outcomes = JSON.parse(stdout) as Outcome[][];
});

/** Once the process has ended nothing is in use: vacuum leaves the dataset alone. */
async function expectClean(folder: string): Promise<void> {
  await new FileStorage(folder).vacuum({ graceMs: 0 });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  expect(files.map((name) => name.replace(/^.*\./u, '')).sort()).toEqual(['arrow', 'head', 'json']);
}

test.each(works.filter(({ i }) => i < 2 * WRITES.length))(
  '$what on a disk that fails $howLong with EIO leaves what was there, or all of what is new',
  async ({ i, before }) => {
    expect(outcomes[i]?.length).toBeGreaterThan(0);
    for (const { at, is, left, again, now } of outcomes[i] ?? []) {
      expect(['well', 'STORE_FAILED']).toContain(is);
      // Where a call fails after the commit, the commit has come to pass all the same.
      expect(is === 'well' ? ['young'] : [before, 'young']).toContain(left);
      expect([again, now]).toEqual(['well', 'young']);
      await expectClean(join(root, String(i), String(at)));
    }
  },
);

test.each(works.filter(({ i }) => i >= 2 * WRITES.length))(
  '$what on a disk that fails with EIO says of which file',
  ({ i }) => {
    expect(outcomes[i]?.length).toBeGreaterThan(0);
    for (const { is, message, left, again } of outcomes[i] ?? []) {
      expect(['well', 'STORE_FAILED']).toContain(is);
      if (is !== 'well') expect(message).toMatch(/^DataRefError: .*\.(?:json|arrow|head): .*EIO/u);
      expect([left, again]).toEqual(['old', 'well']);
    }
  },
);

test('a share of a dataset of which nobody knows whether it is there is not told that it is', async () => {
  const inner = new MemoryStore();
  const refuse = async (key: string): Promise<undefined> => {
    if (key.endsWith('dataset.json')) throw new DataRefError('STORE_FAILED', `${key}: read failed with EIO`);
  };
  const store = changed(inner, {
    get: async (key, limit, options) => (await refuse(key)) ?? inner.get(key, limit, options),
    head: async (key, options) => (await refuse(key)) ?? inner.head(key, options),
  });
  const share = storageOver(store)
    .writer('a', '1', { part: 0, of: 2 })
    .submit(fromColumns({ n: new Int8Array(3) }));
  await expect(share).rejects.toEqual(failure('STORE_FAILED', /a\/1\/dataset\.json: read failed with EIO/));
});
