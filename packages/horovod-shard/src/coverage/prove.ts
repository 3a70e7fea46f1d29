import { DataRefError } from '@dataref/core';
import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { checkLogs } from './checks.js';
import { EpochBits } from './epoch-bits.js';
import { runsOf, type Run } from './runs.js';
import { describe, sightingsOf, type Sighting } from './sightings.js';
import type { Coverage, CoverageOptions, RankLog } from './types.js';

const OPTIONS = ['length', 'epochs', 'dropped', 'committed'];

/**
 * Proves that each record of each epoch was seen exactly once by the steps that count, over any number of runs and
 * worlds, and that all ranks made equally many steps. A step counts unless a later run went on before it. Needs a bit of
 * memory for each record and epoch.
 * @param logs of all ranks of all runs, in any order: `await readCoverageLogs(folder)`, or what you kept yourself
 * @returns what was proven
 * @throws DataRefError NOT_COVERED naming the first record that was seen never or more than once (`details`: `epoch`,
 *   `index`, `times`, `seenBy`: `run`, `rank` and `step` of each), or a rank whose steps are not the others'; CORRUPT and
 *   STORE_FAILED of logs that cannot be read; INVALID_ARGUMENT
 */
export async function proveCoverage(logs: readonly RankLog[], options: CoverageOptions): Promise<Coverage> {
  const { length, epochs, dropped = 0, committed, ...unknown } = optionsOf('proveCoverage', options);
  refuseUnknown('proveCoverage', unknown, OPTIONS);
  const expected: Expected = {
    length: countOf('proveCoverage: length', length, 1, 2 ** 34),
    epochs: countOf('proveCoverage: epochs', epochs, 1),
    records: length - countOf('proveCoverage: dropped', dropped, 0, length),
  };
  if (committed !== undefined) countOf('proveCoverage: committed', committed, 0);
  const runs = runsOf(checkLogs('proveCoverage', logs), committed);
  const tally = new Tally(expected);
  let steps = 0;
  let voidSteps = 0;
  for (const run of runs) {
    const made = await tallyRun(run, tally);
    steps += made.steps;
    voidSteps += made.voidSteps;
  }
  const first = tally.firstFault();
  if (first !== undefined) throw await notCovered(first, runs, expected);
  return { runs: runs.length, steps, voidSteps };
}

interface Expected {
  readonly length: number;
  readonly epochs: number;
  /** Of each epoch, without those that are dropped. */
  readonly records: number;
}

/** A record that was not seen exactly once; without an index, an epoch of which too many were seen. */
interface Fault {
  readonly epoch: number;
  readonly index: number | undefined;
  /** Different records of the epoch that were seen. */
  readonly seen: number;
}

class Tally {
  readonly #expected: Expected;
  readonly #epochs = new Map<number, EpochBits>();
  /** The least record of each epoch that was seen again. */
  readonly #again = new Map<number, number>();

  constructor(expected: Expected) {
    this.#expected = expected;
  }

  /** @returns an index that is none, if there is one */
  add(epoch: number, indices: ArrayLike<number>): number | undefined {
    const { length, epochs } = this.#expected;
    if (epoch >= epochs) return undefined;
    let bits = this.#epochs.get(epoch);
    if (bits === undefined) this.#epochs.set(epoch, (bits = new EpochBits(length)));
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number;
      if (!Number.isInteger(index) || index < 0 || index >= length) return index;
      if (!bits.add(index)) this.#again.set(epoch, Math.min(index, this.#again.get(epoch) ?? Infinity));
    }
    return undefined;
  }

  firstFault(): Fault | undefined {
    const { epochs, records } = this.#expected;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const bits = this.#epochs.get(epoch);
      const seen = bits?.seen ?? 0;
      const unseen = seen < records ? (bits === undefined ? 0 : bits.firstUnseen) : undefined;
      const index = Math.min(unseen ?? Infinity, this.#again.get(epoch) ?? Infinity);
      if (index !== Infinity) return { epoch, index, seen };
      if (seen !== records) return { epoch, index: undefined, seen };
    }
    return undefined;
  }
}

/** Counts what all ranks saw in the steps of one run that count. */
async function tallyRun(run: Run, tally: Tally): Promise<{ readonly steps: number; readonly voidSteps: number }> {
  const made: number[] = [];
  for (let rank = 0; rank < run.size; rank++) {
    let next = run.start;
    for await (const { step, epoch, indices } of run.ranks[rank]?.entries ?? []) {
      const where = `run ${run.run}, rank ${rank}, step ${step}`;
      if (step !== next++)
        throw error(`${where}: expected step ${next - 1}. A log has every step of its rank, in order`, { run, rank });
      if (step >= run.end) continue;
      const stray = tally.add(epoch, indices);
      if (stray !== undefined)
        throw error(`${where} saw record ${stray}, and the dataset has none such. Was another length given?`, {
          run,
          rank,
          details: { step, epoch, index: stray },
        });
    }
    made.push(next);
  }
  refuseUnequal(run, made);
  const furthest = made.reduce((most, next) => Math.max(most, next), run.start);
  const steps = Math.min(furthest, Math.max(run.end, run.start)) - run.start;
  return { steps, voidSteps: furthest - run.start - steps };
}

/** @param made by rank: the step after its last */
function refuseUnequal(run: Run, made: readonly number[]): void {
  const last =
    run.end === Infinity ? made.reduce((most, next) => Math.max(most, next), 0) : Math.max(run.end, run.start);
  const rank = made.findIndex((next) => next < last);
  if (rank < 0) return;
  const of = run.ranks[rank] === undefined ? ' (it has no log)' : '';
  const should =
    run.end === Infinity
      ? `rank ${made.indexOf(last)} made ${last - run.start}`
      : `those up to step ${last} are committed`;
  throw error(
    `run ${run.run}, of ${run.size} from step ${run.start}: rank ${rank} made ${(made[rank] as number) - run.start} steps${of}, and ${should}`,
    { run, rank },
  );
}

async function notCovered(fault: Fault, runs: readonly Run[], expected: Expected): Promise<DataRefError> {
  const { epoch, index, seen } = fault;
  const count = `${seen} of ${expected.records} records of the epoch were seen`;
  if (index === undefined)
    return new DataRefError('NOT_COVERED', `epoch ${epoch}: ${count}. Is 'dropped' right?`, {
      details: { epoch, seen },
    });
  const { valid, forgotten, times } = await sightingsOf(epoch, index, runs);
  const by = valid.length === 0 ? '' : `: ${describe(valid, times)}`;
  const before =
    times > 0 || forgotten.length === 0
      ? ''
      : `. It was seen in steps that are void, since no run went on with them: ${describe(forgotten, forgotten.length)}`;
  const seenBy: readonly Sighting[] = valid;
  return new DataRefError(
    'NOT_COVERED',
    `epoch ${epoch}: record ${index} was seen ${times === 0 ? 'never' : `${times} times`}${by}${before}; ${count}`,
    { details: { epoch, index, times, seenBy } },
  );
}

function error(
  message: string,
  { run, rank, details }: { readonly run: Run; readonly rank: number; readonly details?: object },
): DataRefError {
  return new DataRefError('NOT_COVERED', message, { details: { run: run.run, rank, ...details } });
}
