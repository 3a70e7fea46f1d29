import { DataRefError, shown, invalidArgument } from '../errors.js';
import { collapsed, layersFrom, type Layer } from './remaining.js';
import { briefName, fitted, sameFingerprint } from './state-size.js';
import { MAX_LAYERS, MAX_LEAD, parseState, type SourceState, type StateNode, type StreamState } from './state.js';

/** A state of one rank, taken apart. */
interface RankState {
  readonly rank: number;
  readonly source: SourceState;
  /** What was done before the ranks began. */
  readonly layers: readonly Layer[];
  /** Outermost first. */
  readonly steps: readonly Step[];
}
type Step = Pick<Extract<StateNode, { readonly kind: 'step' }>, 'name' | 'count'>;

/**
 * The state of a whole job whose streams have `shardFirst`, of the states of all its ranks, in any order: any world can
 * resume it, and what was not done comes once. The ranks may have come differently far, in different epochs too.
 * @throws DataRefError STATE_WORLD where a rank is missing or doubled, where the ranks began with different states, or are
 *   out of step in what `take`, `skip` or `repeat` counts; STATE_MISMATCH, STATE_PIPELINE where the states are of different
 *   datasets, orders or pipelines; INVALID_ARGUMENT for states made without `shardFirst`; STATE_INVALID
 */
export function joinStates(states: readonly StreamState[]): StreamState {
  if (!Array.isArray(states) || states.length === 0)
    throw invalidArgument('joinStates needs a list of the states of all ranks: joinStates([state0, state1])');
  const ranks = inOrder(states.map(rankState));
  const { source } = ranks[0] as RankState;
  const { length } = source.dataset;
  // A rank that has no record in any epoch keeps nobody waiting.
  const most = Math.max(1, length);
  const working = ranks.slice(0, most);
  const epochs = working.map((state) => state.source.epoch);
  const [epoch, furthest] = [Math.min(...epochs), Math.max(...epochs)];
  if (furthest - epoch > MAX_LEAD)
    throw conflict(`one rank is ${furthest - epoch} epochs ahead of another, at most ${MAX_LEAD} can be joined`);
  const slowest = working.filter((state) => state.source.epoch === epoch);
  const { layers } = slowest[0] as RankState;
  for (const state of working) refuseOtherStart(layers, state);
  const reached: Layer = ranks.map(({ rank, source: { epoch: own, position } }) =>
    rank < most ? [own, position] : [furthest, 0],
  );
  const joined = collapsed([...layers, reached], length, epoch);
  if (joined.length > MAX_LAYERS) {
    throw conflict(
      `ranks that were out of step began anew ${joined.length} times in this epoch, a state remembers ${MAX_LAYERS}: let all ranks come to the same step, or to the end of the epoch, before they are joined`,
    );
  }
  const whole: StateNode = { ...source, shardFirst: { rank: null, layers: joined }, epoch, position: 0 };
  const node = joinSteps(working, slowest).reduceRight<StateNode>(
    (input, step) => ({ kind: 'step', ...step, input }),
    whole,
  );
  return fitted({ format: 'dataref-state', version: 1, epoch, node });
}

function rankState(value: StreamState, place: number): RankState {
  let { node } = parseState(value);
  const steps: Step[] = [];
  for (; node.kind === 'step'; node = node.input) steps.push({ name: node.name, count: node.count });
  if (node.kind !== 'source' || node.shardFirst === undefined) {
    throw invalidArgument(
      `joinStates: state ${place} was made without shardFirst; any rank's state of such streams is good for the whole job: resume with one of them`,
    );
  }
  const { rank, layers } = node.shardFirst;
  if (rank === null) throw conflict(`state ${place} was joined already, and is good for every rank: resume with it`);
  return { rank, source: node, layers, steps };
}

/** The states of one job, by rank. */
function inOrder(states: readonly RankState[]): readonly RankState[] {
  const first = states[0] as RankState;
  const { numShards } = first.source;
  const byRank = new Map<number, RankState>();
  for (const state of states) {
    const { rank, source } = state;
    if (source.numShards !== numShards)
      throw conflict(`rank ${rank} is one of ${source.numShards}, rank ${first.rank} one of ${numShards}`);
    if (byRank.has(rank)) throw conflict(`rank ${rank} comes twice; give the last state of each rank`);
    refuseOtherJob(first, state);
    byRank.set(rank, state);
  }
  return Array.from({ length: numShards }, (_, rank) => {
    const state = byRank.get(rank);
    if (state !== undefined) return state;
    throw conflict(
      `rank ${rank} of ${numShards} is missing; a rank that has not begun has a state too: its stream.state before the first record`,
    );
  });
}

function refuseOtherJob(first: RankState, { rank, source, steps }: RankState): void {
  const { dataset, order } = first.source;
  const pairs: [string, unknown, unknown][] = [
    ['dataset.fingerprint', source.dataset.fingerprint, dataset.fingerprint],
    ['dataset.length', source.dataset.length, dataset.length],
    ['order', JSON.stringify(source.order), JSON.stringify(order)],
  ];
  for (const [field, its, others] of pairs) {
    if (its === others || (field === 'dataset.fingerprint' && sameFingerprint(String(its), String(others)))) continue;
    throw new DataRefError(
      'STATE_MISMATCH',
      `joinStates: the states are not of one job: ${field} is ${shown(String(its))} on rank ${rank}, ${shown(String(others))} on rank ${first.rank}`,
      { details: { field, rank } },
    );
  }
  const [its, others] = [namesOf(steps), namesOf(first.steps)];
  if (its === others) return;
  throw new DataRefError(
    'STATE_PIPELINE',
    `joinStates: the states were made by different pipelines: ${shown(its)} on rank ${rank}, ${shown(others)} on rank ${first.rank}`,
    { details: { rank } },
  );
}

function namesOf(steps: readonly Step[]): string {
  return ['source', ...steps.map(({ name }) => briefName(name)).toReversed()].join(' → ');
}

/** Of what all began with, each rank keeps what matters from its own epoch on. */
function refuseOtherStart(layers: readonly Layer[], { rank, source, layers: its }: RankState): void {
  if (JSON.stringify(its) === JSON.stringify(layersFrom(layers, source.epoch))) return;
  throw conflict(`rank ${rank} began with another state than the other ranks`);
}

/** @param slowest ranks in the least epoch, where the job goes on */
function joinSteps(ranks: readonly RankState[], slowest: readonly RankState[]): Step[] {
  const { steps } = slowest[0] as RankState;
  return steps.map(({ name }, i) => {
    // What stands after a repeat goes on counting from epoch to epoch; other counts of ranks ahead are of another pass.
    const isOverall = name !== 'repeat' && steps.slice(i + 1).some((inner) => inner.name === 'repeat');
    const countsOf = (states: readonly RankState[]) => states.map((state) => (state.steps[i] as Step).count);
    const counts = countsOf(isOverall ? ranks : slowest);
    return { name, count: joinCounts(name, counts, isOverall || slowest.length === ranks.length) };
  });
}

/** @param isComplete the counts are those of all ranks */
function joinCounts(name: string, counts: readonly number[], isComplete: boolean): number {
  const most = Math.max(...counts);
  if (name === 'batch') return most;
  const isInStep = counts.every((count) => count === most);
  const ofOnePass = name === 'take' || name === 'skip' || most > 0;
  if (isInStep && (isComplete || name === 'repeat' || !ofOnePass)) return most;
  throw conflict(
    `the ranks are out of step, and ${shown(name)} counts what each gave (${isInStep ? 'in different epochs' : counts.join(', ')}): join states that all ranks made after as many steps`,
  );
}

function conflict(problem: string): DataRefError {
  return new DataRefError('STATE_WORLD', `joinStates: ${problem}`);
}
