import { expect, test } from '@jest/globals';
import { proveCoverage, type RankLog } from '@dataref/horovod-shard';
import { failure } from '../../../core/test/expect-error.js';

/** A log whose entries are all of epoch 0. */
const logOf = (run: number, place: string, step: number, steps: readonly (readonly number[])[]): RankLog => {
  const [rank, size] = place.split(' of ').map(Number) as [number, number];
  return { run, rank, size, step, entries: steps.map((indices, i) => ({ step: step + i, epoch: 0, indices })) };
};
const whole = { length: 4, epochs: 1 };
const refused = (
  logs: readonly RankLog[],
  options: object,
  code: 'NOT_COVERED' | 'INVALID_ARGUMENT',
  message: RegExp,
) => expect(proveCoverage(logs, options as typeof whole)).rejects.toEqual(failure(code, message));

test('a record that nobody saw is named, with the steps of it that nobody went on with', async () => {
  const logs = [logOf(1, '0 of 1', 0, [[0, 1], [2]]), logOf(2, '0 of 1', 1, [[3]])];
  await refused(logs, whole, 'NOT_COVERED', /^epoch 0: record 2 was seen never\. .*run 1, rank 0, step 1; 3 of 4/u);
});

test('a record that was seen again and again is named, with how often, by whom', async () => {
  const logs = [logOf(1, '0 of 1', 0, [[0, 1], [2], [3, 1]]), logOf(2, '0 of 1', 3, Array(10).fill([1]))];
  await refused(logs, whole, 'NOT_COVERED', /record 1 was seen 12 times: run 1, rank 0, step 0; .* and 4 more/u);
});

test('the first of all is named: of the earlier epoch, then of the lesser index', async () => {
  const entries = [
    { step: 0, epoch: 1, indices: [0, 0, 1, 2, 3] },
    { step: 1, epoch: 0, indices: [0, 1, 2, 2] },
  ];
  const options = { length: 4, epochs: 2 };
  await refused(
    [{ run: 1, rank: 0, size: 1, step: 0, entries }],
    options,
    'NOT_COVERED',
    /^epoch 0: record 2 .*2 times/u,
  );
});

test('a run that skips steps, or whose ranks began at different ones, or a rank without a log, is told', async () => {
  const gap = [logOf(1, '0 of 1', 0, [[0, 1]]), logOf(2, '0 of 1', 2, [[2, 3]])];
  await refused(gap, whole, 'NOT_COVERED', /run 1.*rank 0 made 1 steps, and those up to step 2 are committed/u);
  const apart = [logOf(1, '0 of 2', 0, [[0, 1]]), logOf(1, '1 of 2', 1, [[2, 3]])];
  await refused(apart, whole, 'NOT_COVERED', /rank 0 of 2 began with step 0, and rank 1 of 2 began with step 1/u);
  await refused(
    [logOf(1, '0 of 2', 0, [[0, 1, 2, 3]])],
    whole,
    'NOT_COVERED',
    /rank 1 made 0 steps \(it has no log\)/u,
  );
});

test('a rank that was killed before it wrote, in a run of which nothing counts, is no fault', async () => {
  const logs = [logOf(1, '0 of 2', 0, [[0, 1]]), logOf(2, '0 of 1', 0, [[0, 1, 2, 3]])];
  expect(await proveCoverage(logs, whole)).toEqual({ runs: 2, steps: 1, voidSteps: 1 });
});

test('a run that went back behind others forgets all that they made', async () => {
  const logs = [
    logOf(1, '0 of 1', 0, [[0], [1]]),
    logOf(3, '0 of 1', 1, [[1], [2], [3]]),
    logOf(2, '0 of 1', 2, [[2], [3], [0]]),
  ];
  expect(await proveCoverage(logs, whole)).toEqual({ runs: 3, steps: 4, voidSteps: 4 });
});

test('of a job that has not ended, the steps after the last checkpoint do not count', async () => {
  const logs = [logOf(1, '0 of 2', 0, [[0, 1], [0]]), logOf(1, '1 of 2', 0, [[2, 3]])];
  await refused(logs, whole, 'NOT_COVERED', /rank 1 made 1 steps, and rank 0 made 2/u);
  expect(await proveCoverage(logs, { ...whole, committed: 1 })).toEqual({ runs: 1, steps: 1, voidSteps: 1 });
});

test('records that nobody is to see are so many, neither more nor less', async () => {
  const log = [logOf(1, '0 of 1', 0, [[0, 3]])];
  expect(await proveCoverage(log, { ...whole, dropped: 2 })).toEqual({ runs: 1, steps: 1, voidSteps: 0 });
  await refused(log, { ...whole, dropped: 1 }, 'NOT_COVERED', /record 1 was seen never; 2 of 3/u);
  await refused(log, { ...whole, dropped: 3 }, 'NOT_COVERED', /2 of 1 records.*'dropped'/u);
});

test('arguments that cannot be right are refused', async () => {
  const log = logOf(1, '0 of 1', 0, []);
  await refused([], whole, 'INVALID_ARGUMENT', /one rank or more/u);
  await refused([log, log], whole, 'INVALID_ARGUMENT', /two logs of rank 0 of run 1/u);
  await refused([{ ...log, rank: 1 }], whole, 'INVALID_ARGUMENT', /log 0: rank/u);
  await refused([log], { length: 4 }, 'INVALID_ARGUMENT', /epochs/u);
  await refused([log], { ...whole, length: 0 }, 'INVALID_ARGUMENT', /length/u);
  await refused([log], { ...whole, epoch: 1 }, 'INVALID_ARGUMENT', /"epoch"/u);
  await refused([log], { ...whole, dropped: 5 }, 'INVALID_ARGUMENT', /dropped/u);
});
