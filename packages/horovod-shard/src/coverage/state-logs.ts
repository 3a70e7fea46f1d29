import { DataRefError, parseState, type SourceState, type StreamState } from '@dataref/core';
import type { RankLog, Seen } from './types.js';

/** What a run consumed, by its states alone. */
export interface Segment {
  /** The state that it resumed; undefined where it began anew. */
  readonly from: StreamState | undefined;
  /** The last one that it committed. */
  readonly to: StreamState;
}

/** After these a state's position says how many records of the epoch are gone. */
const COUNTED = /^(?:batch|repeat|(?:map|filter)(?::.*)?)$/u;
/** No job has so many: a damaged state might. */
const MOST_EPOCHS = 2 ** 20;
/** Positions of one entry at most. */
const CHUNK = 2 ** 16;

/**
 * Logs for `proveCoverage` of a job that kept no log, only its states: that each run went on where the one before it had
 * committed, and the last one came to the end. What they call records are positions in the epoch's order, and a step of
 * theirs is a run of positions; what each rank did with its share, states do not say.
 * @param segments of the runs, in their order
 * @throws DataRefError STATE_INVALID; INVALID_ARGUMENT for a segment that goes backwards, or states of other data or
 *   another order; UNSUPPORTED for states that do not say how many records are gone
 */
export function stateLogs(segments: readonly Segment[]): RankLog[] {
  if (!Array.isArray(segments)) throw invalid('stateLogs: expected a list of { from, to }, one for each run');
  let step = 0;
  let whole: SourceState | undefined;
  return (segments as readonly Segment[]).map(({ from, to }, i) => {
    const last = sourceOf(parseState(to));
    const first = from === undefined ? { ...last, epoch: 0, position: 0 } : sourceOf(parseState(from));
    for (const each of [first, last]) {
      whole ??= each;
      const field = differing(each, whole);
      if (field !== undefined)
        throw invalid(`stateLogs: the states of segment ${i} and of the first one differ in ${field}`);
    }
    if (first.epoch > last.epoch || (first.epoch === last.epoch && first.position > last.position))
      throw invalid(
        `stateLogs: segment ${i} goes backwards, from epoch ${first.epoch}, position ${first.position}, to ${last.epoch}, ${last.position}`,
      );
    const start = step;
    const entries = { [Symbol.iterator]: () => entriesOf(first, last, start) };
    step += entriesBetween(first, last);
    return { run: i + 1, rank: 0, size: 1, step: start, entries };
  });
}

/** Positions mean the same records only in one order of one dataset. */
function differing(a: SourceState, b: SourceState): string | undefined {
  if (a.dataset.length !== b.dataset.length) return `dataset.length, ${a.dataset.length} and ${b.dataset.length}`;
  if (a.dataset.fingerprint !== b.dataset.fingerprint) return 'dataset.fingerprint';
  return JSON.stringify(a.order) === JSON.stringify(b.order) ? undefined : 'order';
}

type Position = Pick<SourceState, 'epoch' | 'position' | 'dataset'>;

function* entriesOf(first: Position, last: Position, start: number): Generator<Seen> {
  let step = start;
  for (let { epoch } = first; epoch <= last.epoch; epoch++) {
    const end = epoch === last.epoch ? last.position : last.dataset.length;
    for (let at = epoch === first.epoch ? first.position : 0; at < end; at += CHUNK) {
      const from = at;
      yield {
        step: step++,
        epoch,
        indices: Float64Array.from({ length: Math.min(CHUNK, end - at) }, (_, k) => from + k),
      };
    }
  }
}

/** How many `entriesOf` gives. */
function entriesBetween(first: Position, last: Position): number {
  const chunks = (positions: number) => Math.ceil(positions / CHUNK);
  const { length } = last.dataset;
  if (first.epoch === last.epoch) return chunks(last.position - first.position);
  const between = (last.epoch - first.epoch - 1) * chunks(length);
  return chunks(length - first.position) + between + chunks(last.position);
}

function sourceOf(state: StreamState): SourceState {
  let node = state.node;
  while (node.kind === 'step') {
    if (!COUNTED.test(node.name)) throw unsupported(`after ${node.name}`);
    node = node.input;
  }
  if (node.kind !== 'source') throw unsupported(`of ${node.name}`);
  if (node.order.shardBeforeShuffle !== null || node.shardFirst !== undefined) throw unsupported('of one rank alone');
  if (node.epoch > MOST_EPOCHS) throw invalid(`stateLogs: a state is of epoch ${node.epoch}, beyond ${MOST_EPOCHS}`);
  return node;
}

function unsupported(what: string): DataRefError {
  return new DataRefError(
    'UNSUPPORTED',
    `stateLogs: a state ${what} does not say how many records of the epoch are gone; write a coverageLog`,
  );
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
