// Pipelines of every transform as data, so that they can be built anew, at another world size, and shrunk.
import {
  concatStreams,
  isDataRefError,
  mix,
  ndarray,
  zip,
  type BatchStream,
  type DataRef,
  type Flow,
  type MapContext,
  type Stream,
  type StreamOptions,
} from '@dataref/core';
import * as fc from 'fast-check';
import { anyOptions, type Options } from './pipelines.js';
import { anySample, hasParts, openSample, type Sample } from './samples.js';

/** Run in worker threads, or in this one where `workers` is 0. */
export const MODULE = new URL('./modules/describe.mjs', import.meta.url);
type Remainder = 'keep' | 'drop' | 'pad';

export type Step =
  | { readonly name: 'map' | 'mapSkipping' | 'prefetch' | 'endless' }
  | { readonly name: 'mapModule'; readonly workers: number; readonly batchSize: number }
  | { readonly name: 'filter'; readonly keep: number }
  | { readonly name: 'flatMap'; readonly most: number; readonly isAsync: boolean }
  | { readonly name: 'take' | 'skip' | 'repeat'; readonly count: number }
  | { readonly name: 'window'; readonly size: number; readonly shift: number; readonly remainder: 'keep' | 'drop' }
  | { readonly name: 'pack'; readonly length: number; readonly blockSize: number; readonly remainder: 'keep' | 'drop' } // blockSize 0: concatenate
  | { readonly name: 'bucket'; readonly groupSize: number; readonly groups: number }
  | { readonly name: 'rebatch'; readonly batching: Batching; readonly isMapped: boolean; readonly takes: number }; // prettier-ignore

export interface Batching {
  readonly isGlobal: boolean;
  readonly size: number;
  readonly remainder: Remainder;
}

/** A dataset and transforms on its records; unsharded where it is an input of a join. */
export interface Source {
  readonly sample: Sample;
  readonly options: Options;
  readonly steps: readonly Step[];
}

export interface Join {
  readonly how: 'mix' | 'zip' | 'concat';
  readonly inputs: readonly Source[];
  readonly weights: readonly number[];
  readonly isByEpoch: boolean;
  readonly seed: number | undefined;
  readonly until: 'firstEnds' | 'allEnd' | 'never';
}

export interface Computed {
  /** One source, whose own options hold no world here, or several joined. */
  readonly root: Source | Join;
  readonly world: { readonly shardRank: number; readonly numShards: number } | undefined;
  readonly steps: readonly Step[];
  readonly batching: Batching | undefined;
  readonly batchSteps: readonly Step[];
}

const small = (min: number, max: number) => fc.integer({ min, max });
const counted = (name: 'take' | 'skip' | 'repeat', min: number, max: number): fc.Arbitrary<Step> =>
  small(min, max).map((count) => ({ name, count }));
const named = (name: Step['name'], rest: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<Step> =>
  fc.record(rest).map((values) => ({ name, ...values }) as unknown as Step);

export const anyBatching: fc.Arbitrary<Batching> = fc.record({
  isGlobal: fc.boolean(),
  size: small(1, 5),
  remainder: fc.constantFrom('keep', 'drop', 'pad'),
});

/** Steps that are good for any world: what a rank counts for itself (take, skip) is left out. */
const anyGlobalStep: fc.Arbitrary<Step> = fc.oneof(
  named('map'),
  named('prefetch'),
  named('mapSkipping'),
  { arbitrary: named('filter', { keep: fc.constantFrom(0.3, 0.5, 0.7, 0.7, 0.9, 0.9, 1) }), weight: 3 },
  { arbitrary: named('flatMap', { most: fc.constantFrom(1, 2, 2, 3), isAsync: fc.boolean() }), weight: 3 },
  { arbitrary: counted('repeat', 1, 2), weight: 1 },
  named('window', { size: small(1, 4), shift: small(1, 4), remainder: fc.constantFrom('keep', 'drop') }),
  { arbitrary: named('pack', { length: small(1, 6), blockSize: small(0, 4), remainder: fc.constantFrom('keep', 'drop') }), weight: 2 }, // prettier-ignore
  named('bucket', { groupSize: small(1, 3), groups: small(1, 3) }),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anyGlobalStep, weight: 8 },
  { arbitrary: counted('take', 1, 6), weight: 1 },
  { arbitrary: counted('skip', 0, 3), weight: 1 },
  { arbitrary: named('rebatch', { batching: anyBatching, isMapped: fc.boolean(), takes: small(0, 4) }), weight: 1 },
);
const anyBatchStep: fc.Arbitrary<Step> = fc.oneof(
  named('map'),
  named('prefetch'),
  counted('take', 0, 4),
  counted('skip', 0, 2),
  counted('repeat', 1, 2),
);

const anySource = (maxLength: number, steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Source> =>
  anySample(maxLength).chain((sample) =>
    fc.record({ sample: fc.constant(sample), options: anyOptions(sample.length, hasParts(sample)), steps }),
  );

function anyJoin(maxLength: number, step: fc.Arbitrary<Step>): fc.Arbitrary<Join> {
  return small(1, 3).chain(
    (inputs) =>
    fc
      .record({
        how: fc.constantFrom('mix', 'mix', 'zip', 'concat'),
        inputs: fc.array(anySource(maxLength, fc.array(step, { maxLength: 2 })), { minLength: inputs, maxLength: inputs }), // prettier-ignore
        weights: fc.array(fc.constantFrom(0, 0.25, 1, 1, 2, 5), { minLength: inputs, maxLength: inputs }),
        isByEpoch: fc.boolean(),
        seed: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
        until: fc.constantFrom('firstEnds', 'allEnd', 'allEnd', 'never'),
      })
      .map((join) => ({ ...join, weights: join.weights.some((w) => w > 0) ? join.weights : join.weights.map(() => 1) })), // prettier-ignore
  );
}

const anyWorld = small(1, 4).chain((numShards) =>
  fc.record({ shardRank: fc.nat({ max: numShards - 1 }), numShards: fc.constant(numShards) }),
);

/** A pipeline of up to six transforms over one dataset or several; in some its maps run in worker threads. */
export function anyComputed(maxLength: number, workerPercent: number): fc.Arbitrary<Computed> {
  const withWorkers = fc.record({
    at: fc.nat({ max: 5 }),
    workers: fc.constantFrom(0, 2),
    batchSize: small(1, 3),
  });
  return fc
    .record({
      root: fc.oneof(
        { arbitrary: anySource(maxLength, fc.constant([])), weight: 3 },
        { arbitrary: anyJoin(Math.ceil(maxLength / 2), anyGlobalStep), weight: 2 },
      ),
      world: fc.option(anyWorld, { nil: undefined }),
      steps: fc.array(anyStep, { minLength: 1, maxLength: 4 }),
      batching: fc.option(anyBatching, { nil: undefined }),
      batchSteps: fc.array(anyBatchStep, { maxLength: 2 }),
      isEndless: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      module: fc
        .integer({ min: 0, max: 99 })
        .chain((percent) => (percent < workerPercent ? withWorkers : fc.constant(undefined))),
    })
    .map(({ isEndless, module, ...pipeline }) => {
      let { steps, batchSteps } = pipeline;
      if (module !== undefined) {
        const { at, ...how } = module;
        steps = steps.toSpliced(Math.min(at, steps.length), 0, { name: 'mapModule', ...how });
      }
      if (isEndless && pipeline.batching !== undefined) batchSteps = [...batchSteps, { name: 'endless' }];
      else if (isEndless) steps = [...steps, { name: 'endless' }];
      return legal({ ...pipeline, steps, batchSteps });
    });
}

/** A job: a pipeline whose outputs are one sequence, whatever the world. */
export function anyJob(maxLength: number): fc.Arbitrary<Computed> {
  return fc
    .record({
      root: fc.oneof(
        { arbitrary: anySource(maxLength, fc.constant([])), weight: 1 },
        { arbitrary: anyJoin(Math.ceil(maxLength / 2), anyGlobalStep), weight: 1 },
      ),
      world: fc.constant(undefined),
      steps: fc.array(anyGlobalStep, { minLength: 1, maxLength: 4 }),
      batching: fc.constant(undefined),
      batchSteps: fc.constant([]),
    })
    .map((job) => {
      const { root } = job;
      if ('how' in root) return { ...job, root: root.until === 'never' ? { ...root, until: 'allEnd' as const } : root };
      return { ...job, root: { ...root, options: { ...oneOrder(root.options), startOffset: 0 } } };
    });
}

/** Without the options that do not go together. */
function legal(pipeline: Computed): Computed {
  const { root, batching, world } = pipeline;
  if ('how' in root) return pipeline;
  if (root.options.dropShardRemainder === true && !pipeline.steps.every(isPlanned)) {
    const { dropShardRemainder: _, ...options } = root.options;
    return legal({ ...pipeline, root: { ...root, options } });
  }
  const isEqual = root.options.shardBeforeShuffle === true || root.options.dropShardRemainder === true;
  if (!isEqual) return pipeline;
  const steps = pipeline.steps.map((step) =>
    step.name === 'rebatch' ? { ...step, batching: { ...step.batching, isGlobal: false } } : step,
  );
  const local = batching && { ...batching, isGlobal: false };
  const tooMany = world !== undefined && world.numShards > root.sample.length;
  return { ...pipeline, steps, batching: local, world: tooMany ? undefined : world };
}

const isPlanned = ({ name }: Step): boolean =>
  name === 'map' || name === 'mapModule' || name === 'prefetch' || name === 'take' || name === 'skip' || name === 'repeat' || name === 'endless'; // prettier-ignore

function worldless(options: Options): Options {
  const { shardRank: _r, numShards: _n, dropShardRemainder: _d, ...rest } = options;
  return rest;
}

/** Without what makes each shard an order of its own. */
function oneOrder(options: Options): Options {
  const { shardBeforeShuffle: _, ...rest } = worldless(options);
  return rest;
}

/** The pipeline over datasets that are opened anew. */
export async function buildComputed(pipeline: Computed): Promise<Stream | BatchStream> {
  const { root, world, steps, batching, batchSteps } = pipeline;
  let stream: Stream;
  let isRagged = false;
  if ('how' in root) {
    const inputs = await Promise.all(root.inputs.map(buildInput));
    stream = joined(root, inputs, world);
  } else {
    const dataref = await openSample(root.sample);
    stream = started(dataref, root, world);
    isRagged = root.sample.isRich;
  }
  let isLoose: boolean;
  [stream, isLoose] = applyAll(stream, steps, isRagged);
  if (batching === undefined) return stream;
  return batchSteps.reduce((flow, step) => applyToBatches(flow, step), batched(fixed(stream, isLoose), batching));
}

function started(dataref: DataRef, { options }: Source, world: Computed['world']): Stream {
  const { dropShardRemainder } = options;
  const dropping = dropShardRemainder === true && world !== undefined ? { dropShardRemainder } : {};
  const offset = world === undefined || world.numShards <= dataref.length ? {} : { startOffset: 0 };
  return dataref.stream({ ...worldless(options), ...offset, ...world, ...dropping } as StreamOptions);
}

/** An input of a join gives records of one kind, whatever its dataset. */
async function buildInput(source: Source): Promise<Stream> {
  const options = oneOrder(source.options);
  const [stream] = applyAll(started(await openSample(source.sample), { ...source, options }, undefined), source.steps, source.sample.isRich); // prettier-ignore
  return stream.map(describe);
}

function joined({ how, weights, isByEpoch, seed, until }: Join, inputs: Stream[], world: Computed['world']): Stream {
  if (how === 'zip') return zip(inputs, world) as Stream;
  if (how === 'concat') return concatStreams(inputs, world);
  // An input that is never drawn does not end an epoch.
  const byEpoch = (epoch: number) => weights.map((weight, i) => weight + (i === epoch % weights.length ? 1 : 0));
  return mix(inputs, { weights: isByEpoch ? byEpoch : weights, seed, until, ...world });
}

function batched(stream: Stream, { isGlobal, size, remainder }: Batching): BatchStream {
  return isGlobal ? stream.globalBatch(size, { remainder }) : stream.batch(size, { remainder });
}

/** Records that all have the same columns, as batches need them. */
function fixed(stream: Stream, isLoose: boolean): Stream {
  return isLoose ? stream.map(describe) : stream;
}

/**
 * @param isRagged whether only the schema of the dataset tells the sizes, which what makes other records loses
 * @returns the stream, and whether its records may differ in their structure
 */
function applyAll(stream: Stream, steps: readonly Step[], isRagged: boolean): [Stream, boolean] {
  let loose = false;
  let flow: any = stream;
  for (const step of steps) {
    switch (step.name) {
      case 'map':
        [flow, loose] = [flow.map(describe), false];
        break;
      case 'mapSkipping':
        [flow, loose] = [flow.map(failing, { onError: 'skip' }), false];
        break;
      case 'mapModule':
        [flow, loose] = [flow.map(MODULE, step.workers > 0 ? { workers: step.workers, batchSize: step.batchSize } : { workers: 0 }), false]; // prettier-ignore
        break;
      case 'prefetch':
        flow = flow.prefetch({ batches: 3 });
        break;
      case 'endless':
        flow = flow.repeat();
        break;
      case 'filter':
        flow = flow.filter((_: unknown, { random }: MapContext) => random() < step.keep);
        break;
      case 'flatMap':
        flow = flow.flatMap(outputs(step.most, step.isAsync));
        loose ||= isRagged;
        break;
      case 'window':
        flow = flow.window(step.size, { shift: step.shift, remainder: step.remainder });
        loose ||= isRagged || step.remainder === 'keep';
        break;
      case 'pack': {
        const { length, blockSize, remainder } = step;
        flow = flow.map(tokens);
        flow = flow.pack(length, blockSize === 0 ? { remainder } : { strategy: 'best-fit', blockSize });
        loose = false;
        break;
      }
      case 'bucket':
        flow = flow.bucketByLength(step.groupSize, { blockSize: step.groupSize * step.groups, lengthOf: (record: unknown) => hash(record) % 5 }); // prettier-ignore
        break;
      case 'rebatch': {
        let batches: any = batched(fixed(flow, loose), step.batching);
        if (step.isMapped) batches = batches.map(mapBatch);
        if (step.takes > 0) batches = batches.take(step.takes);
        [flow, loose] = [batches.unbatch(), false];
        break;
      }
      default:
        flow = flow[step.name](step.count);
    }
  }
  return [flow as Stream, loose];
}

function applyToBatches(flow: BatchStream, step: Step): BatchStream {
  switch (step.name) {
    case 'map':
      return flow.map(mapBatch) as BatchStream;
    case 'prefetch':
      return flow.prefetch({ batches: 3 });
    case 'endless':
      return flow.repeat();
    case 'take':
    case 'skip':
    case 'repeat':
      return flow[step.name](step.count);
    default:
      throw new Error(`${step.name} is no step of batches`);
  }
}

/** A record in short: what it was, where from, and a random number of the map's own. */
export async function describe(record: unknown, { epoch, index, position, random }: MapContext) {
  await Promise.resolve();
  return { hash: hash(record), epoch, index, position, drawn: random() };
}

function failing(record: unknown, context: MapContext) {
  const drawn = context.random();
  if (drawn < 0.3) throw new Error('left out');
  return { hash: hash(record), drawn };
}

/** As many positions as the record's random number says, which tell the record. */
function tokens(record: unknown, { random }: MapContext) {
  const length = Math.floor(random() * 7);
  const value = hash(record);
  return {
    tokens: new Int32Array(length).map((_, i) => (value + i) | 0),
    pairs: ndarray(Float32Array.from({ length: length * 2 }, random), [length, 2]),
  };
}

function outputs(most: number, isAsync: boolean) {
  const list = (record: unknown, { random }: MapContext) =>
    Array.from({ length: Math.round(random() * most) }, (_, part) => ({ part, record, drawn: random() }));
  if (!isAsync) return list;
  return async function* (record: unknown, context: MapContext) {
    for (const output of list(record, context)) {
      await Promise.resolve();
      yield output;
    }
  };
}

function mapBatch(batch: { readonly length: number }, { epoch, position, random }: MapContext) {
  const drawn = Float64Array.from({ length: batch.length }, random);
  const at = ndarray(
    Float64Array.from({ length: batch.length * 2 }, (_, i) => (i % 2 ? epoch : position)),
    [batch.length, 2],
  );
  return { drawn, at };
}

/** A number that tells a record from others, whatever it holds. @see FNV-1a */
export function hash(value: unknown): number {
  const text = JSON.stringify(value, (_, item: unknown) => (ArrayBuffer.isView(item) ? Array.from(item as never) : item)); // prettier-ignore
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return sum >>> 0;
}

/** How many elements two iterations have, up to `most` and one more; undefined where they cannot be read to there: an endless pipeline over nothing. */
export async function sizeOf(flow: Flow<unknown>, most: number): Promise<number | undefined> {
  let count = 0;
  try {
    for (let iteration = 0; iteration < 2; iteration++) for await (const _ of flow) if (++count > most) return count;
    return count;
  } catch (error) {
    if (isDataRefError(error, 'EMPTY')) return undefined;
    throw error;
  } finally {
    await flow.close();
  }
}

/** Whether the shards may give different numbers of elements. */
export function isUneven({ world, batching }: Computed): boolean {
  return world !== undefined && world.numShards > 1 && !(batching?.isGlobal === true || batching?.remainder === 'pad');
}
