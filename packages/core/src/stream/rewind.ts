import { countOf, optionsOf } from '../arguments.js';
import { DataRefError } from '../errors.js';
import { parseState, type SourceState, type StateNode, type StreamState } from './state.js';

/**
 * The state `records` records of the dataset earlier, over all shards (of `shardFirst`: of its rank), in the same epoch: to see again what a broken
 * step made of them. Filters run again on what they saw.
 * @throws DataRefError OUT_OF_RANGE where the epoch has no so many before the state; UNSUPPORTED where a transform counts
 *   what it has given (take, skip, repeat, flatMap, pack, …) or several streams are joined: only running them again tells;
 *   and of states that `joinStates` made, which have no one order of what was done;
 *   STATE_INVALID; INVALID_ARGUMENT
 */
export function rewind(state: StreamState, options: { readonly records: number }): StreamState {
  const { records } = optionsOf('rewind', options);
  countOf('rewind: records', records, 0);
  const parsed = parseState(state);
  return { ...parsed, epoch: epochOf(parsed.node), node: back(parsed.node, records) };
}

/** Steps that hold nothing, or only number what they give. */
const STATELESS = /^(?:batch|map|filter)(?::|$)/u;

function back(node: StateNode, records: number): StateNode {
  if (node.kind === 'source') return sourceBack(node, records);
  if (node.kind === 'join' || (!STATELESS.test(node.name) && node.count !== 0)) {
    throw new DataRefError(
      'UNSUPPORTED',
      `rewind: ${node.name} counts what it has given, and only running it again tells what it had given before; rewind a state before it, or start the epoch anew`,
      { details: { step: node.name } },
    );
  }
  return { ...node, count: 0, input: back(node.input, records) };
}

function sourceBack(source: SourceState, records: number): SourceState {
  if (source.shardFirst?.rank === null) {
    throw new DataRefError(
      'UNSUPPORTED',
      'rewind: the state was joined of the states of several ranks, which went each their own way; rewind those, then join them',
    );
  }
  if (records <= source.position) return { ...source, position: source.position - records };
  throw new DataRefError(
    'OUT_OF_RANGE',
    `rewind: epoch ${source.epoch} has ${source.position} records before this state, ${records} were asked for`,
    { details: { position: source.position, records } },
  );
}

function epochOf(node: StateNode): number {
  return node.kind === 'step' ? epochOf(node.input) : node.epoch;
}
