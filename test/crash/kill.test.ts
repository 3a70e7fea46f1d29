import { describe, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { listing, ONE_DATASET, run, script, tempFolder, wholeTag } from './process.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('crash/kill'));
const RECORDS = 2000;

function tagAfter(what: string, before: number | undefined): number | undefined {
  if (what === 'delete') return undefined;
  return what.startsWith('submit ') ? Number(what.slice(7)) : before;
}

describe('a process that is killed at any moment leaves the dataset of before or after, whole', () => {
  test.each([
    ['submitting', 40, ['submit']],
    ['submitting and deleting', 30, ['submit', 'delete']],
    ['submitting and vacuuming', 30, ['submit', 'vacuum']],
  ])('%s', async (_, kills, actions) => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    let tag: number | undefined;
    let nextTag = 0;
    // At least until one of them was killed in a submit, or after it.
    for (let kill = 0; kill < runs(kills) || nextTag === 0; kill++) {
      let timer: NodeJS.Timeout | undefined;
      const worker = await run(
        process.execPath,
        [script('worker.mjs'), folder, String(nextTag), '1000000', String(RECORDS), String(random()), ...actions],
        // Its first submit takes longer than the others: some are killed in it, some in the next ones.
        (__, child) => (timer ??= setTimeout(() => child.kill('SIGKILL'), random() ** 2 * 400)),
      );
      clearTimeout(timer);
      expect([worker.signal, worker.errors]).toEqual(['SIGKILL', '']);
      let begun: string | undefined;
      for (const line of worker.lines) {
        const [word, ...rest] = line.split(' ');
        const what = rest.join(' ');
        begun = word === 'begin' ? what : undefined;
        if (word === 'done') tag = tagAfter(what, tag);
        if (what.startsWith('submit')) nextTag = Number(rest[1]);
      }
      const allowed = begun === undefined ? [tag] : [tag, tagAfter(begun, tag)];
      const found = await wholeTag(storage, RECORDS);
      expect(allowed).toContain(found);
      tag = found;
      await storage.vacuum({ graceMs: 0 });
      expect(await wholeTag(storage, RECORDS)).toBe(tag);
      expect(listing(folder)).toEqual(tag === undefined ? [] : ONE_DATASET);
    }
  });
});
