import { describe, expect, test } from '@jest/globals';
import { proveCoverage } from '@dataref/horovod-shard';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { anyJob, logsOf, withIndices, type GivenLog, type Job } from './any-job.js';

const JOBS = runs(5000);
const random = randomOf(announceSeed('horovod-shard/coverage'));

const expectedOf = ({ length, batchSize, remainder, epochs }: Job) => ({
  length,
  epochs,
  dropped: remainder === 'drop' ? length % batchSize : 0,
});

/** The records of each step in the order of the job, of all ranks by turns, as the run made them. */
function globalBatches(logs: readonly GivenLog[], run: number): Map<number, { epoch: number; indices: number[] }> {
  const ranks = logs.filter((log) => log.run === run);
  return new Map(
    (ranks[0]?.entries ?? []).map(({ step, epoch }, i) => {
      const shares = ranks.map(({ entries }) => entries[i]?.indices ?? []);
      const indices = Array.from({ length: Math.max(...shares.map((share) => share.length)) }, (_, k) =>
        shares.flatMap((share) => (k < share.length ? [share[k] as number] : [])),
      ).flat();
      return [step, { epoch, indices }];
    }),
  );
}

describe(`${JOBS} random jobs`, () => {
  test('are covered, in global batches that do not depend on the world, and padding repeats no record', async () => {
    for (let i = 0; i < JOBS; i++) {
      const job = anyJob(random);
      const told = JSON.stringify(job);
      const logs = await logsOf(job);
      const perEpoch = Math.floor(job.length / job.batchSize) + (job.length % job.batchSize > 0 ? 1 : 0);
      const steps = job.epochs * (job.remainder === 'drop' ? Math.floor(job.length / job.batchSize) : perEpoch);
      const proven = await proveCoverage(logs, expectedOf(job)).catch((error: unknown) => {
        throw new Error(told, { cause: error });
      });
      const made = job.runs.reduce((sum, run) => sum + run.steps, 0);
      expect({ told, ...proven }).toEqual({ told, runs: job.runs.length, steps, voidSteps: made - steps });

      const alone = await logsOf({ ...job, runs: [{ size: 1, steps, committed: steps }] });
      const whole = globalBatches(alone, 1);
      for (const [k, run] of job.runs.entries()) {
        const ranks = logs.filter((log) => log.run === k + 1);
        expect({ told, counts: ranks.map(({ entries }) => entries.length) }).toEqual({
          told,
          counts: Array(run.size).fill(run.steps),
        });
        for (const [step, batch] of globalBatches(logs, k + 1)) {
          expect({ told, step, batch }).toEqual({ told, step, batch: whole.get(step) });
          for (const { rank, entries } of ranks) {
            const given = entries[step - (ranks[0] as GivenLog).step];
            if (given === undefined) throw new Error(`${told}: no step ${step}`);
            const { globalLength, validLength, rows, indices } = given;
            const real = Array.from(indices, (index) => index + 1);
            const share = job.remainder === 'pad' ? Math.ceil((job.batchSize - rank) / run.size) : real.length;
            const padding = Array(Math.max(0, share - real.length)).fill(0);
            expect({ told, step, rank, globalLength, validLength, rows }).toEqual({
              told,
              step,
              rank,
              globalLength: batch.indices.length,
              validLength: real.length,
              rows: [...real, ...padding],
            });
          }
        }
      }
    }
  }, 1_200_000);

  test('of which a record was lost or repeated in a committed step are not covered, and the record is named', async () => {
    for (let i = 0; i < runs(1000); i++) {
      const job = anyJob(random);
      const logs = await logsOf(job);
      const ends = job.runs.map((_, run) =>
        Math.min(Infinity, ...logs.filter((l) => l.run > run + 1).map((l) => l.step)),
      );
      const places = logs.flatMap(({ run, entries }, log) =>
        entries.flatMap(({ step, indices }, entry) =>
          step < (ends[run - 1] as number) ? Array.from(indices, (_, at) => ({ log, entry, at })) : [],
        ),
      );
      const { log, entry, at } = places[Math.floor(random() * places.length)] as (typeof places)[0];
      const { run, rank, entries } = logs[log] as GivenLog;
      const { step, epoch, indices } = entries[entry] as GivenLog['entries'][0];
      const index = indices[at] as number;
      const isLost = random() < 0.5;
      const changed = isLost ? Array.from(indices).filter((_, k) => k !== at) : [...Array.from(indices), index];
      const proof = proveCoverage(withIndices(logs, log, entry, changed), expectedOf(job));
      const told = `${JSON.stringify(job)}: run ${run}, rank ${rank}, step ${step}: ${isLost ? 'lost' : 'repeated'} ${index}`;
      const error: unknown = await proof.then(() => new Error(told)).catch((caught: unknown) => caught);
      const { details } = error as { details: { index: number } };
      // Of records that nobody is to see, and one more, no log tells which it was.
      const named = isLost && expectedOf(job).dropped > 0 ? details.index : index;
      const seen = { run, rank, step };
      expect({ told, error }).toMatchObject({
        told,
        error: {
          code: 'NOT_COVERED',
          details: isLost
            ? { epoch, index: named, times: 0, seenBy: [] }
            : { epoch, index, times: 2, seenBy: [seen, seen] },
        },
      });
    }
  }, 600_000);

  test('of which a rank made another number of committed steps are not covered, and the rank is named', async () => {
    let found = 0;
    while (found < runs(500)) {
      const job = anyJob(random);
      const logs = await logsOf(job);
      const last = logs.filter(({ run }) => run === job.runs.length);
      if (last.length < 2 || (last[0] as GivenLog).entries.length === 0) continue;
      const short = last[Math.floor(random() * last.length)] as GivenLog;
      const cut = logs.map((log) => (log === short ? { ...log, entries: log.entries.slice(0, -1) } : log));
      await expect(proveCoverage(cut, expectedOf(job))).rejects.toMatchObject({
        code: 'NOT_COVERED',
        message: expect.stringContaining(`rank ${short.rank} made`),
        details: { run: short.run, rank: short.rank },
      });
      found++;
    }
  }, 600_000);
});
