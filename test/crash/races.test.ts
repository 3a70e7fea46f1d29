import { describe, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { listing, ONE_DATASET, run, script, tempFolder, wholeTag } from './process.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('crash/races'));
const RECORDS = 300;

/** Runs processes at once over one folder, each with actions of its own; none may fail. */
async function together(folder: string, steps: number, actions: readonly (readonly string[])[]): Promise<number[]> {
  const ended = await Promise.all(
    actions.map((own, i) =>
      run(process.execPath, [
        script('worker.mjs'),
        folder,
        String((i + 1) * 1_000_000),
        String(steps),
        String(RECORDS),
        String(random()),
        ...own,
      ]),
    ),
  );
  for (const { code, errors } of ended) expect([code, errors]).toEqual([0, '']);
  return ended.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.startsWith('done submit') ? [Number(line.split(' ')[2])] : [])),
  );
}

describe('several processes at once', () => {
  test('submit the same dataset: one of the last is there, whole, and readers see one or the other', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    const tags = await together(folder, runs(300), [['submit'], ['submit'], ['read']]);
    const last = [1, 2].map((worker) => Math.max(...tags.filter((tag) => Math.floor(tag / 1e6) === worker)));
    expect(last).toContain(await wholeTag(storage, RECORDS));
    await storage.vacuum({ graceMs: 0 });
    expect(last).toContain(await wholeTag(storage, RECORDS));
    expect(listing(folder)).toEqual(ONE_DATASET);
  });

  test('submit, delete, vacuum and read: no one fails, no one sees a mixture, and nothing is left over', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    const tags = await together(folder, runs(400), [
      ['submit', 'submit', 'delete'],
      ['submit', 'vacuum'],
      ['vacuum', 'read', 'delete'],
      ['read'],
    ]);
    const found = await wholeTag(storage, RECORDS);
    if (found !== undefined) expect(tags).toContain(found);
    await storage.vacuum({ graceMs: 0 });
    expect(await wholeTag(storage, RECORDS)).toBe(found);
    expect(listing(folder)).toEqual(found === undefined ? [] : ONE_DATASET);
  });
});
