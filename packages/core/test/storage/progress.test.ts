import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { progressBar, type Progress } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { failure } from '../expect-error.js';
import { tempFolder } from '../temp-folder.js';

function* numbers(count: number, problem?: Error): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
  if (problem !== undefined) throw problem;
}

const listed = (seen: readonly Progress[]) =>
  seen.map(({ phase, done, total, isStopped }) => [phase, done, total, isStopped]);

describe('the last call of onProgress', () => {
  test('has all that was done as the total, where none was known', async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    await new FileStorage(tempFolder()).submit(numbers(1500), 'x', '1', { onProgress });
    expect(listed(seen)).toEqual([
      ['write', 1024, undefined, undefined],
      ['write', 1500, undefined, undefined],
      ['write', 1500, 1500, undefined],
    ]);
    await new FileStorage(tempFolder()).writer('x', '1', { part: 0, of: 1 }).submit(numbers(3), { onProgress });
    expect(listed(seen).at(-1)).toEqual(['write', 3, 3, undefined]);
  });

  test('says that the work stopped, and how far it came', async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    const storage = new FileStorage(tempFolder());
    await expect(storage.submit(numbers(1500, new Error('torn')), 'x', '1', { onProgress })).rejects.toEqual(
      failure('MAP_FAILED', /torn/),
    );
    expect(listed(seen).at(-1)).toEqual(['write', 1500, undefined, true]);
    await expect(storage.submit([1, 2, 'a' as never], 'x', '1', { onProgress })).rejects.toThrow(/record 2/);
    expect(listed(seen).at(-1)).toEqual(['write', 2, 3, true]);
    const stored = await storage.submit(numbers(3000), 'x', '1');
    await expect(
      stored.where(
        (n: number) => {
          if (n === 2000) throw new Error('no');
          return true;
        },
        { onProgress },
      ),
    ).rejects.toEqual(failure('MAP_FAILED', /record 2000/));
    expect(listed(seen).at(-1)).toEqual(['where', 1024, 3000, true]);
  });
});

describe('progressBar', () => {
  let shown = '';
  const { stderr } = process;
  const stand = (columns: number | undefined) =>
    Object.defineProperty(process, 'stderr', {
      configurable: true,
      value: { isTTY: true, columns, write: (text: string) => (shown += text) },
    });
  beforeEach(() => {
    shown = '';
    stand(80);
  });
  afterEach(() => {
    Object.defineProperty(process, 'stderr', { configurable: true, value: stderr });
  });

  test('ends its line with the whole count where the total is unknown', async () => {
    const onProgress = progressBar('numbers');
    await new FileStorage(tempFolder()).submit(numbers(1500), 'x', '1', { onProgress });
    expect(shown).toMatch(/numbers: write █{20} 1,500\/1,500 records [^\n]*\n$/);
    shown = '';
    await new FileStorage(tempFolder()).submit(numbers(2), 'x', '1', { onProgress }); // the same bar, once more
    expect(shown).toMatch(/ 2\/2 records [^\n]*\n$/);
  });

  test('ends its line where the records end with an error', async () => {
    const submit = new FileStorage(tempFolder()).submit(numbers(1500, new Error('torn')), 'x', '1', {
      onProgress: progressBar(),
    });
    await expect(submit).rejects.toThrow(/torn/);
    expect(shown).toMatch(/write 1,500 records [^\n]* · stopped\n$/);
    expect(shown.match(/\n/g)).toHaveLength(1);
  });

  test.each([0, undefined])('shows its line on a terminal of %s columns', (columns) => {
    stand(columns);
    progressBar('numbers')({ phase: 'write', done: 5, total: 5, unit: 'records', elapsedMs: 1000 });
    expect(shown).toMatch(/numbers: write █{20} 5\/5 records · 5 records\/s · 0 s left\n$/);
  });

  test('refuses a label that is no text, as where it was not called', async () => {
    expect(() => progressBar(5 as never)).toThrow(failure('INVALID_ARGUMENT', /label must be a string, got 5/));
    const submit = new FileStorage(tempFolder()).submit([1], 'x', '1', { onProgress: progressBar as never });
    await expect(submit).rejects.toEqual(
      failure('INVALID_ARGUMENT', /got an object; .*onProgress: progressBar\('label'\)/),
    );
  });
});
