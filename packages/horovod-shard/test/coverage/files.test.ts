import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import {
  coverageLog,
  localCollectives,
  proveCoverage,
  readCoverageLogs,
  type Collective,
  type Seen,
} from '@dataref/horovod-shard';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';

/** A run in which rank r of each step sees the records that are given for it. */
async function writeRun(folder: string, step: number, steps: readonly (readonly number[])[][]): Promise<number[]> {
  const size = steps[0]?.length as number;
  return Promise.all(
    localCollectives(size).map(async (collective) => {
      const log = await coverageLog(folder, { collective, step });
      for (const shares of steps) log.add({ epoch: 0, indices: shares[collective.rank] as number[] });
      log.close();
      return log.run;
    }),
  );
}

const expected = { length: 6, epochs: 1 };

test('what ranks wrote over a kill and a change of the world is proven, from the folder, its URL, or the files', async () => {
  const folder = join(tempFolder(), 'new', 'coverage');
  expect(
    await writeRun(folder, 0, [
      [[3], [0]],
      [[4], []],
      [[1], [2]],
    ]),
  ).toEqual([1, 1]);
  expect(await writeRun(folder, 2, [[[1], [2], [5]]])).toEqual([2, 2, 2]);
  writeFileSync(join(folder, 'notes.txt'), 'no log');
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  expect(files.sort()).toEqual([1, 1, 2, 2, 2].map((run, i) => `run-${run}.rank-${[0, 1, 0, 1, 2][i]}.jsonl`));
  for (const from of [folder, pathToFileURL(folder), files.map((name) => join(folder, name))])
    expect(await proveCoverage(await readCoverageLogs(from), expected)).toEqual({ runs: 2, steps: 3, voidSteps: 1 });
});

test('a number of a run beyond 2^31 is told to all ranks, and the last that there is names its file', async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'run-4294967296.rank-0.jsonl'), '');
  expect(await writeRun(folder, 0, [[[0], [1]]])).toEqual([4294967297, 4294967297]);
  writeFileSync(join(folder, `run-${'9'.repeat(15)}.rank-0.jsonl`), '');
  await expect(writeRun(folder, 0, [[[0]]])).rejects.toEqual(
    failure('STORE_FAILED', /run 999999999999999, after which/u),
  );
});

test('a line that was cut by a kill is left out, and so is a file that was cut in its first', async () => {
  const folder = tempFolder();
  await writeRun(folder, 0, [[[0, 1]], [[2, 3]], [[4, 5]]]);
  const path = join(folder, 'run-1.rank-0.jsonl');
  const whole = readFileSync(path, 'utf8');
  const starts = [...whole.matchAll(/\n/gu)].map(({ index }) => index + 1);
  for (let length = whole.length; length >= 0; length--) {
    truncateSync(path, length);
    const logs = await readCoverageLogs(path).catch((error: unknown) => error);
    const lines = starts.filter((start) => start <= length).length;
    if (lines === 0) expect(logs).toEqual(failure('NOT_FOUND', /no log/u));
    else {
      const steps: number[] = [];
      for await (const { step } of (logs as { entries: AsyncIterable<Seen> }[])[0]?.entries ?? []) steps.push(step);
      expect(steps).toEqual(Array.from({ length: lines - 1 }, (_, i) => i));
    }
  }
});

test.each([
  ['a line that is no JSON', 1, '{"step":', 'CORRUPT', /line 2.*no JSON/u],
  ['a line that is no entry', 1, 'null', 'CORRUPT', /line 2.*step/u],
  ['an epoch that is none', 1, '{"step":0,"epoch":-1,"indices":[]}', 'CORRUPT', /line 2.*epoch/u],
  ['an index that is none', 1, '{"step":0,"epoch":0,"indices":[1.5]}', 'CORRUPT', /line 2.*indices/u],
  ['indices that are no list', 1, '{"step":0,"epoch":0,"indices":{"length":1e9}}', 'CORRUPT', /line 2.*indices/u],
  ['a step that is missing', 1, '{"step":1,"epoch":0,"indices":[]}', 'NOT_COVERED', /rank 0, step 1: expected step 0/u],
  ['an index beyond the dataset', 1, '{"step":0,"epoch":0,"indices":[6]}', 'NOT_COVERED', /step 0 saw record 6/u],
  ['another format', 0, '{"format":"x"}', 'CORRUPT', /line 1.*format/u],
  ['a later version', 0, '{"format":"dataref-coverage","version":2}', 'UNSUPPORTED', /version/u],
  ['a rank beyond its world', 0, startLine({ rank: 1 }), 'CORRUPT', /line 1.*rank/u],
  ['a world of too many', 0, startLine({ size: 1e15 }), 'CORRUPT', /line 1.*size/u],
] as const)('%s is refused', async (_, line, text, code, message) => {
  const folder = tempFolder();
  await writeRun(folder, 0, [[[0, 1]], [[2, 3]], [[4, 5]]]);
  const path = join(folder, 'run-1.rank-0.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[line] = text;
  writeFileSync(path, lines.join('\n'));
  const proof = readCoverageLogs(folder).then((logs) => proveCoverage(logs, expected));
  await expect(proof).rejects.toEqual(failure(code, message));
});

function startLine(other: object): string {
  return JSON.stringify({ format: 'dataref-coverage', version: 1, run: 1, rank: 0, size: 1, step: 0, ...other });
}

test('a line without an end is refused before it is in memory', async () => {
  const path = join(tempFolder(), 'run-1.rank-0.jsonl');
  for (let i = 0; i < 70; i++) appendFileSync(path, Buffer.alloc(2 ** 20, '1'));
  await expect(readCoverageLogs(path)).rejects.toEqual(failure('CORRUPT', /longer than/u));
});

test('what is not there, or no file, is refused', async () => {
  const folder = tempFolder();
  await expect(readCoverageLogs(join(folder, 'none'))).rejects.toEqual(failure('NOT_FOUND', /none/u));
  await expect(readCoverageLogs(folder)).rejects.toEqual(failure('NOT_FOUND', /no log/u));
  await expect(readCoverageLogs([folder])).rejects.toEqual(failure('INVALID_ARGUMENT', /folder/u));
  mkdirSync(join(folder, 'run-1.rank-0.jsonl'));
  await expect(readCoverageLogs(folder)).rejects.toEqual(failure('INVALID_ARGUMENT', /folder/u));
});

test('a log that cannot be begun fails on all ranks, and none waits', async () => {
  const folder = join(tempFolder(), 'file');
  writeFileSync(folder, '');
  const begun = localCollectives(3).map((collective) => coverageLog(folder, { collective, step: 0 }));
  const codes = (await Promise.allSettled(begun)).map((result) => (result as { reason: { code: string } }).reason.code);
  expect(codes).toEqual(['STORE_FAILED', 'COLLECTIVE_FAILED', 'COLLECTIVE_FAILED']);
});

test('a file that is there already is not written to: its rank says what to do', async () => {
  const others = tempFolder();
  writeFileSync(join(others, 'run-1.rank-1.jsonl'), 'kept');
  const folders = [tempFolder(), others];
  const begun = localCollectives(2).map((collective, i) => coverageLog(folders[i] as string, { collective, step: 0 }));
  const [first, second] = await Promise.allSettled(begun);
  expect(first?.status).toBe('fulfilled');
  expect(second).toMatchObject({ reason: failure('STORE_FAILED', /is there already.*a folder of its own/u) });
  expect(readFileSync(join(others, 'run-1.rank-1.jsonl'), 'utf8')).toBe('kept');
});

test('a log takes batches alone, and none after it is closed', async () => {
  const collective = localCollectives(1)[0] as Collective;
  const folder = tempFolder();
  const log = await coverageLog(folder, { collective, step: 4 });
  expect(() => log.add({ epoch: 0.5, indices: [] })).toThrow(failure('INVALID_ARGUMENT', /epoch/u));
  expect(() => log.add({ epoch: 0, indices: [-1] })).toThrow(failure('INVALID_ARGUMENT', /indices/u));
  log.add({ epoch: 0, indices: Uint32Array.of(7) });
  expect(log.step).toBe(5);
  log.close();
  log.close();
  expect(() => log.add({ epoch: 0, indices: [] })).toThrow(failure('STREAM_CLOSED', /closed/u));
  await expect(coverageLog(folder, { collective, step: -1 })).rejects.toEqual(failure('INVALID_ARGUMENT', /step/u));
  await expect(coverageLog(folder, { collective, steps: 1 } as never)).rejects.toEqual(
    failure('INVALID_ARGUMENT', /"steps"/u),
  );
});
