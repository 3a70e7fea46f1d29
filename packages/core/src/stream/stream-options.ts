import { DataRefError, invalidArgument } from '../errors.js';
import { defaultAlgorithm, type OrderSpec } from '../order/order.js';
import type { RowSource } from '../rows/row-source.js';
import { describeValue } from '../schema/ndarray.js';
import { countOf, oneOf, refuseUnknown } from '../arguments.js';
import type { World } from './deal.js';
import type { PipelineSource } from './recipe.js';
import type { SourceOptions } from './source-node.js';
import type { Stage } from './stage.js';
import { MAX_RANKS } from './state.js';
import type { BatchOptions } from './types.js';

const STREAM_OPTIONS = [
  'startOffset',
  'shuffle',
  'skipShuffleAtEpochEnd',
  'shuffleSeed',
  'shuffleAlgorithm',
  'shuffleWindow',
  'shardRank',
  'numShards',
  'dropShardRemainder',
  'shardBeforeShuffle',
  'shardFirst',
];
const DEFAULT_WINDOW = 16;

/**
 * The options of `stream()`, checked and complete.
 * @throws DataRefError INVALID_ARGUMENT naming the option and its value
 */
export function checkStreamOptions(options: unknown, rows: Pick<RowSource, 'length' | 'partRecords'>): SourceOptions {
  const given = objectOf('stream', options);
  refuseUnknown(
    'stream',
    Object.fromEntries(Object.entries(given).filter(([name]) => !STREAM_OPTIONS.includes(name))),
    STREAM_OPTIONS,
  );
  const shuffle = booleanOf('stream: shuffle', given['shuffle']);
  const { shuffleSeed } = given;
  if (given['shuffle'] === undefined && shuffleSeed !== undefined) {
    throw invalidArgument('stream: shuffleSeed without shuffle: say shuffle: true, or shuffle: false');
  }
  if (shuffle && shuffleSeed === undefined) {
    throw invalidArgument(
      'stream: shuffle needs a shuffleSeed, or no run could be repeated or resumed: stream({ shuffle: true, shuffleSeed: 1 })',
    );
  }
  if (shuffleSeed !== undefined && countOf('stream: shuffleSeed', shuffleSeed, 0) > 2 ** 52) {
    throw invalidArgument(`stream: shuffleSeed must be an integer from 0 to 2^52, got ${describeValue(shuffleSeed)}`);
  }
  const algorithm = given['shuffleAlgorithm'] ?? defaultAlgorithm(rows.length);
  if (algorithm !== 'numpy' && algorithm !== 'permutation' && algorithm !== 'parts') {
    throw invalidArgument(
      `stream: shuffleAlgorithm must be 'numpy', 'permutation' or 'parts', got ${JSON.stringify(algorithm)}`,
    );
  }
  const { shuffleWindow } = given;
  if (shuffleWindow !== undefined && algorithm !== 'parts') {
    throw invalidArgument("stream: shuffleWindow is for shuffleAlgorithm: 'parts' alone");
  }
  const { rank, shards } = checkShard('stream', given['shardRank'], given['numShards']);
  const isLocal = booleanOf('stream: shardBeforeShuffle', given['shardBeforeShuffle']);
  const shardFirst = booleanOf('stream: shardFirst', given['shardFirst']);
  const dropShardRemainder = booleanOf('stream: dropShardRemainder', given['dropShardRemainder']);
  if (shardFirst) checkDealtFirst(shards, { shardBeforeShuffle: isLocal, dropShardRemainder });
  return {
    startOffset: countOf('stream: startOffset', given['startOffset'] ?? 0, 0),
    order: shuffle
      ? {
          algorithm,
          seed: shuffleSeed as number,
          reshuffle: !booleanOf('stream: skipShuffleAtEpochEnd', given['skipShuffleAtEpochEnd']),
          ...(algorithm === 'parts' ? { layout: layoutOf(rows, shuffleWindow, isLocal) } : {}),
        }
      : { algorithm: 'sequential', seed: null, reshuffle: false },
    shardRank: rank,
    numShards: shards,
    dropShardRemainder,
    shardBeforeShuffle: isLocal,
    shardFirst,
  };
}

/** A worker's share; of one worker where none is named. @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkShard(what: string, shardRank: unknown, numShards: unknown): World {
  if ((shardRank === undefined) !== (numShards === undefined)) {
    throw invalidArgument(
      `${what}: shardRank and numShards come together; ${shardRank === undefined ? 'shardRank' : 'numShards'} is missing`,
    );
  }
  const shards = numShards === undefined ? 1 : countOf(`${what}: numShards`, numShards, 1, 2 ** 31 - 1);
  const rank = shardRank === undefined ? 0 : countOf(`${what}: shardRank`, shardRank, 0);
  if (rank >= shards)
    throw invalidArgument(`${what}: shardRank must be below numShards (${shards}), got ${rank}; ranks count from 0`);
  return { rank, shards };
}

/** @throws DataRefError INVALID_ARGUMENT for what cannot go with `shardFirst` */
function checkDealtFirst(
  shards: number,
  others: Pick<SourceOptions, 'shardBeforeShuffle' | 'dropShardRemainder'>,
): void {
  for (const [name, isGiven] of Object.entries(others)) {
    if (!isGiven) continue;
    throw invalidArgument(
      `stream: shardFirst deals one order over all shards, and each to its end, so that no record is lost: leave ${name} out`,
    );
  }
  countOf('stream: numShards with shardFirst', shards, 1, MAX_RANKS);
}

/** @throws DataRefError INVALID_ARGUMENT where an order by parts makes no sense */
function layoutOf(
  rows: Pick<RowSource, 'partRecords'>,
  shuffleWindow: unknown,
  shardBeforeShuffle: boolean,
): Required<OrderSpec>['layout'] {
  if (shardBeforeShuffle) {
    throw invalidArgument(
      "stream: shardBeforeShuffle gives every rank records of every part, so shuffleAlgorithm: 'parts' would gain nothing: leave one of them out",
    );
  }
  const partRecords = rows.partRecords();
  if (partRecords === undefined) {
    throw invalidArgument(
      "stream: shuffleAlgorithm: 'parts' needs records that are stored in parts: datasets of a storage, their slices, selected columns and concatenations. A split chooses from all parts, and a DataRef of your own has none: shuffle it by 'numpy' or 'permutation', or divide by slice() instead of split()",
    );
  }
  return { partRecords, window: countOf('stream: shuffleWindow', shuffleWindow ?? DEFAULT_WINDOW, 1, 2 ** 31 - 1) };
}

const BATCH_OPTIONS = ['remainder', 'ragged', 'reuse'];

/** The options of `batch()` and `globalBatch()`, checked. @throws DataRefError INVALID_ARGUMENT */
export function checkBatchOptions(what: string, options: unknown): BatchOptions {
  const given = objectOf(what, options);
  refuseUnknown(
    what,
    Object.fromEntries(Object.entries(given).filter(([name]) => !BATCH_OPTIONS.includes(name))),
    BATCH_OPTIONS,
  );
  oneOf(`${what}: remainder`, given['remainder'], ['keep', 'drop', 'pad', undefined]);
  oneOf(`${what}: ragged`, given['ragged'], ['list', 'pad', undefined]);
  oneOf(`${what}: reuse`, given['reuse'], [true, false, 'checked', undefined]);
  return given;
}

function objectOf(what: string, options: unknown): Record<string, unknown> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) {
    throw new DataRefError('INVALID_ARGUMENT', `${what}: options must be an object, got ${describeValue(options)}`);
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function booleanOf(what: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalidArgument(`${what} must be true or false, got ${JSON.stringify(value)}`);
}

/** Shards are made equal before anything is read. @throws DataRefError INVALID_ARGUMENT for a transform whose outputs only reading can tell */
export function refuseEqualShards(what: string, { options, world }: Pick<PipelineSource, 'options' | 'world'>): void {
  if (!options.dropShardRemainder || world.shards === 1) return;
  throw invalidArgument(
    `${what}: how many outputs an epoch has shows at its end, so dropShardRemainder cannot make the shards equal: leave it out; globalBatch gives all shards equally many batches`,
  );
}

/** @throws DataRefError INVALID_ARGUMENT for a transform whose place in a state `joinStates` cannot join */
export function refuseDealtFirst(what: string, { options }: Pick<PipelineSource, 'options'>): void {
  if (!options.shardFirst) return;
  const instead =
    what === 'globalBatch'
      ? 'how many records a rank has of an epoch shows at its end: use batch'
      : 'it holds a part of a record, or several, which no other rank could go on with: leave shardFirst out';
  throw invalidArgument(`${what} does not go with shardFirst: ${instead}`);
}

/** @throws DataRefError SCHEMA_MISMATCH for a transform that needs outputs of one structure */
export function refuseUneven(what: string, { uneven }: Pick<Stage, 'uneven'>): void {
  if (uneven === undefined) return;
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `${what} needs elements of one structure: the last ones of ${uneven} with remainder: 'keep' are shorter; leave the remainder out (remainder: 'drop', the default), or map the ${uneven}s to one structure before ${what}`,
  );
}
