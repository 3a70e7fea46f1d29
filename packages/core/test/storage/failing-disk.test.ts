import { expect, jest, test } from '@jest/globals';
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

jest.setTimeout(600_000);
const random = randomOf(announceSeed('storage/failing-disk'));
const PROGRAM = fileURLToPath(new URL('failing-disk.mjs', import.meta.url));
const EVERY = scale < 1 ? 31 : 1;

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

async function outcomesOf(folder: string, what: string, howLong: string): Promise<Outcome[]> {
  const first = 1 + Math.floor(random() * EVERY);
  const args = [PROGRAM, folder, what, howLong, String(first), String(EVERY)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as Outcome[];
}

/** Once the process has ended nothing is in use: vacuum leaves the dataset alone. */
async function expectClean(folder: string): Promise<void> {
  await new FileStorage(folder).vacuum({ graceMs: 0 });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  expect(files.map((name) => name.replace(/^.*\./u, '')).sort()).toEqual(['arrow', 'head', 'json']);
}

test.each(
  [
    ['submit over another', 'old'],
    ['submit where there is none', 'none'],
    ['write a share', 'none'],
    ['build', 'none'],
  ].flatMap(([what, before]) =>
    ['once', 'always'].map((howLong) => [what, howLong, before] as [string, string, string]),
  ),
)('%s on a disk that fails %s with EIO leaves what was there, or all of what is new', async (what, howLong, before) => {
  const folder = tempFolder();
  for (const { at, is, left, again, now } of await outcomesOf(folder, what, howLong)) {
    expect(['well', 'STORE_FAILED']).toContain(is);
    // Where a call fails after the commit, the commit has come to pass all the same.
    expect(is === 'well' ? ['young'] : [before, 'young']).toContain(left);
    expect([again, now]).toEqual(['well', 'young']);
    await expectClean(join(folder, String(at)));
  }
});

test.each(['read a record', 'stream', 'verify'])(
  '%s on a disk that fails with EIO says of which file',
  async (what) => {
    const outcomes = await outcomesOf(tempFolder(), what, 'once');
    for (const { is, message, left, again } of outcomes) {
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
