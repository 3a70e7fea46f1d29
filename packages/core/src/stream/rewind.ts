import { countOf, optionsOf } from '../arguments.js';
import { DataRefError } from '../errors.js';
import { orderLengthOf } from './source-node.js';
import { parseState, type SourceState, type StateNode, type StepState, type StreamState } from './state.js';

/**
 * The state `records` records of the dataset earlier, over all shards (of `shardFirst`: of its rank), in the same epoch: to
 * see again what a broken step made of them. Filters run again on what they saw. It goes back through `map`, `filter`,
 * `flatMap` between two records, `window` with shift 1, `repeat`, and through `batch` by whole batches: how many records
 * these have, over all shards, is told by the state's position and number of batches, so they must have been of one size
 * since an epoch's beginning, where no `filter`, `flatMap` or `onError` stands before them. 0 records give the state itself.
 * @throws DataRefError OUT_OF_RANGE where the epoch has no so many before the state; UNSUPPORTED where the records are no
 *   whole batches; where a transform counts what it has given (take, skip, unbatch, a flatMap within a record), cuts what
 *   it is given into blocks, windows or rows from the beginning of its pass on (pack, bucketByLength, window), or joins
 *   several streams: only running them again tells; and of states that `joinStates` made, which have no one order of what
 *   was done; STATE_INVALID; INVALID_ARGUMENT
 */
export function rewind(state: StreamState, options: { readonly records: number }): StreamState {
  const { records } = optionsOf('rewind', options);
  countOf('rewind: records', records, 0);
  const parsed = parseState(state);
  if (records === 0) return parsed;
  const { node } = back(parsed.node, records);
  return { ...parsed, epoch: epochOf(node), node };
}

/** A node so many records earlier. */
interface Earlier {
  readonly node: StateNode;
  /** Outputs before the state, from the beginning of an epoch on, which are one for one records; undefined where they are not. */
  readonly given: number | undefined;
  /** Those of a whole epoch. */
  readonly whole: number | undefined;
}

/** Steps that give one output for each record, and hold nothing. */
const ONE_FOR_ONE = /^map(?::|$)|^window\(\d+,1\)$/u;
/** Steps that hold nothing between two records. */
const RECORD_BY_RECORD = /^(?:filter|flatMap)(?::|$)/u;
/** Steps that cut the sequence from its beginning on: what they give depends on where it begins. */
const CUTTING = /^(?:window|pack|bucketByLength)\(/u;

function back(node: StateNode, records: number): Earlier {
  if (node.kind === 'source') return sourceBack(node, records);
  if (node.kind === 'join') throw counting(node.name);
  const { name, count } = node;
  if (CUTTING.test(name) && !ONE_FOR_ONE.test(name)) throw cutting(name);
  if (name === 'batch') return batchBack(node, records);
  if (name === 'repeat') {
    // Its count is of passes, each another epoch.
    const { node: input, given, whole } = back(node.input, records);
    const before = count === 0 ? 0 : whole && whole * count;
    const all = given === undefined || before === undefined ? undefined : before + given;
    return { node: { ...node, input }, given: all, whole: undefined };
  }
  if (count !== 0) throw counting(name);
  if (!ONE_FOR_ONE.test(name) && !RECORD_BY_RECORD.test(name)) throw counting(name);
  const earlier = back(node.input, records);
  const step = { ...node, input: earlier.node };
  return ONE_FOR_ONE.test(name) ? { ...earlier, node: step } : { node: step, given: undefined, whole: undefined };
}

function batchBack(node: StepState, records: number): Earlier {
  const { node: input, given } = back(node.input, records);
  const size = given === undefined ? undefined : given / node.count;
  if (size === undefined || !Number.isInteger(size) || records % size !== 0) throw noBatches(node.count, size, records);
  return { node: { ...node, count: node.count - records / size, input }, given: undefined, whole: undefined };
}

function sourceBack(source: SourceState, records: number): Earlier {
  const { epoch, position, numShards, shardFirst, dropShardRemainder } = source;
  if (shardFirst?.rank === null) {
    throw new DataRefError(
      'UNSUPPORTED',
      'rewind: the state was joined of the states of several ranks, which went each their own way; rewind those, then join them',
    );
  }
  if (records > position) {
    throw new DataRefError(
      'OUT_OF_RANGE',
      `rewind: epoch ${epoch} has ${position} records before this state, ${records} were asked for`,
      { details: { position, records } },
    );
  }
  const length = orderLengthOf(source);
  const isDealtEvenly = dropShardRemainder === true && source.order.shardBeforeShuffle === null;
  const whole = isDealtEvenly ? length - (length % numShards) : length;
  return {
    node: { ...source, position: position - records },
    given: position,
    // What a rank is dealt of an epoch depends on what was done before.
    whole: shardFirst === undefined ? whole : undefined,
  };
}

function counting(step: string): DataRefError {
  return new DataRefError(
    'UNSUPPORTED',
    `rewind: ${step} counts what it has given, and only running it again tells what it had given before; go on from the state of an earlier element, or start the epoch anew`,
    { details: { step } },
  );
}

function cutting(step: string): DataRefError {
  return new DataRefError(
    'UNSUPPORTED',
    `rewind: ${step} cuts what it is given from the beginning of its pass on; from another place on it would give other rows than it gave; go on from the state of an earlier element, or start the epoch anew`,
    { details: { step } },
  );
}

function noBatches(count: number, size: number | undefined, records: number): DataRefError {
  const told =
    size === undefined
      ? 'with filter or flatMap before them, or shardFirst and repeat, only running it again tells which records they had'
      : Number.isInteger(size)
        ? `this state stands after ${count} batches of ${size} records over all shards, if the first began with an epoch: rewind by ${size}, or a multiple of it`
        : `this state stands after ${count} batches that were not of one size since the epoch's beginning`;
  return new DataRefError(
    'UNSUPPORTED',
    `rewind: ${records} records must be whole batches, whose number goes back too; ${told}. Or go on from the state of an earlier batch`,
    { details: { step: 'batch', batches: count, records } },
  );
}

function epochOf(node: StateNode): number {
  return node.kind === 'step' ? epochOf(node.input) : node.epoch;
}
