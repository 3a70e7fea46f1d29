import { optionsOf, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import type { Schema } from '../schema/types.js';
import { concatStage } from './concat-streams.js';
import type { JoinInput } from './join-stage.js';
import { checkWeights, mixStage, type MixOptions } from './mix.js';
import { computedRecords, RecordFlow } from './record-stream.js';
import type { Stage } from './stage.js';
import { MAX_INPUTS } from './state.js';
import { checkShard } from './stream-options.js';
import type { Stream } from './types.js';
import { zipStage } from './zip.js';

/** Who shares what several streams give together. The streams themselves are not sharded. */
export type JoinOptions =
  | { readonly shardRank: number; readonly numShards: number }
  | { readonly shardRank?: undefined; readonly numShards?: undefined };

/**
 * Records of several streams by turns, in the proportions of their weights: `mix([a, b], { weights: [3, 1], until: 'allEnd' })`.
 * @throws DataRefError INVALID_ARGUMENT, SCHEMA_MISMATCH
 */
export function mix<S extends Schema>(streams: readonly Stream<S>[], options: MixOptions & JoinOptions): Stream<S> {
  checkList('mix', streams);
  const { weights, seed, until, shardRank, numShards, ...unknown } = optionsOf('mix', options);
  refuseUnknown('mix', unknown, ['weights', 'seed', 'until', 'shardRank', 'numShards']);
  if (typeof weights !== 'function') checkWeights(weights, streams.length);
  if (until !== 'firstEnds' && until !== 'allEnd' && until !== 'never')
    throw invalidArgument(`mix: until must be 'firstEnds', 'allEnd' or 'never', got ${JSON.stringify(until)}`);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
    throw invalidArgument(`mix: seed must be an integer ≥ 0, got ${String(seed)}`);
  return join('mix', streams, { shardRank, numShards }, seed ?? null, (inputs, shards) =>
    mixStage(inputs, shards, { weights, seed, until }),
  );
}

/** Records of several streams side by side, as tuples; it ends with the first that does. */
export function zip<const T extends readonly Stream[]>(
  streams: T,
  options: JoinOptions = {},
): Stream<{ readonly [K in keyof T]: T[K] extends Stream<infer S> ? S : never }> {
  checkList('zip', streams);
  return join('zip', streams, options, null, zipStage);
}

/** All records of the first stream, then all of the second, … `concat` does it with datasets, whose order is then one. */
export function concatStreams<S extends Schema>(streams: readonly Stream<S>[], options: JoinOptions = {}): Stream<S> {
  checkList('concatStreams', streams);
  return join('concatStreams', streams, options, null, concatStage);
}

function join(
  what: string,
  streams: readonly Stream[],
  options: { readonly shardRank?: number | undefined; readonly numShards?: number | undefined },
  seed: number | null,
  make: (inputs: readonly JoinInput[], shards: number) => Stage,
): RecordFlow {
  const { shardRank, numShards, ...unknown } = optionsOf(what, options);
  refuseUnknown(what, unknown, ['shardRank', 'numShards']);
  const flows = streams.map((stream: unknown, i) => {
    if (!(stream instanceof RecordFlow))
      throw invalidArgument(
        `${what}: input ${i} must be a stream of records, made by dataref.stream(): ${what} before batch`,
      );
    if (stream.isResumed)
      throw invalidArgument(
        `${what}: stream ${i} was resumed; resume what ${what} gives instead, with its own state, which holds all inputs'`,
      );
    const { world, options: sourceOptions } = stream.recipe.source;
    if (world.shards > 1 || sourceOptions.shardBeforeShuffle || sourceOptions.shardFirst) {
      throw invalidArgument(
        `${what}: stream ${i} is sharded; leave shardRank, numShards and shardFirst out of its stream(), and give them here: ${what}(streams, { …, shardRank, numShards })`,
      );
    }
    return stream;
  });
  const { rank, shards } = checkShard(what, shardRank, numShards);
  const stage = make(
    flows.map((flow) => ({ stage: flow.stage, first: flow.recipe.source.first, passes: flow.recipe.passes })),
    shards,
  );
  const source = {
    rows: { id: what, version: '', length: flows.reduce((sum, flow) => sum + flow.recipe.source.rows.length, 0) },
    options: { order: { seed }, shardBeforeShuffle: false, dropShardRemainder: false, shardFirst: false },
    world: { rank, shards },
    first: { epoch: 0, position: 0, isFirst: true as const },
  };
  return computedRecords({
    source,
    stage,
    prefetch: flows.find(({ recipe }) => recipe.prefetch !== undefined)?.recipe.prefetch,
    skips: flows.flatMap(({ recipe }) => recipe.skips),
    passes: [],
    pending: undefined,
  });
}

/** @throws DataRefError INVALID_ARGUMENT */
function checkList(what: string, streams: unknown): void {
  if (Array.isArray(streams) && streams.length > MAX_INPUTS)
    throw invalidArgument(
      `${what} takes at most ${MAX_INPUTS} streams, got ${streams.length}; concat the datasets, or join in groups`,
    );
  if (!Array.isArray(streams) || streams.length === 0)
    throw invalidArgument(
      `${what} needs a list of streams: ${what}([a, b]${what === 'mix' ? ', { weights: [1, 1], until: … }' : ''})`,
    );
}
