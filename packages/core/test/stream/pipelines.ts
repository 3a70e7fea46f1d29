import {
  isDataRefError,
  ndarray,
  type BatchStream,
  type DataRef,
  type MapContext,
  type Stream,
  type StreamOptions,
} from '@dataref/core';
import * as fc from 'fast-check';

/** Transforms that streams of records and of batches have alike, as data. */
export type Step =
  | { readonly name: 'map' | 'prefetch' }
  | { readonly name: 'take' | 'skip' | 'repeat'; readonly count: number }
  | { readonly name: 'endless' };

export interface Batching {
  readonly isGlobal: boolean;
  readonly size: number;
  readonly remainder: 'keep' | 'drop' | 'pad';
}

/** A whole pipeline as data, so that it can be built anew. */
export interface Pipeline {
  readonly options: Options;
  readonly steps: readonly Step[];
  readonly batching: Batching | undefined;
  readonly batchSteps: readonly Step[];
}

export const anyBatching: fc.Arbitrary<Batching> = fc.record({
  isGlobal: fc.boolean(),
  size: fc.integer({ min: 1, max: 6 }),
  remainder: fc.constantFrom('keep', 'drop', 'pad'),
});

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.constantFrom<Step>({ name: 'map' }, { name: 'prefetch' }), weight: 4 },
  { arbitrary: counted('take', 1, 12), weight: 3 },
  { arbitrary: counted('skip', 0, 5), weight: 3 },
  { arbitrary: counted('repeat', 1, 2), weight: 3 },
  { arbitrary: fc.constant<Step>({ name: 'endless' }), weight: 1 },
);

function counted(name: 'take' | 'skip' | 'repeat', min: number, max: number): fc.Arbitrary<Step> {
  return fc.integer({ min, max }).map((count) => ({ name, count }));
}

/** Every option of `stream()`, whose combinations StreamOptions restricts. */
export interface Options {
  readonly shuffle?: boolean;
  readonly shuffleSeed?: number;
  readonly shuffleAlgorithm?: 'numpy' | 'permutation' | 'parts' | undefined;
  readonly shuffleWindow?: number | undefined;
  readonly skipShuffleAtEpochEnd?: boolean;
  readonly shardBeforeShuffle?: boolean;
  readonly startOffset?: number;
  readonly shardRank?: number;
  readonly numShards?: number;
  readonly dropShardRemainder?: boolean;
}

/** Stream options that a dataset of `length` records takes. @param hasParts whether it can be shuffled by parts */
export function anyOptions(length: number, hasParts: boolean): fc.Arbitrary<Options> {
  return fc
    .record({
      shuffle: fc.boolean(),
      shuffleSeed: fc.oneof(fc.nat({ max: 5 }), fc.integer({ min: 0, max: 2 ** 52 })),
      shuffleAlgorithm: fc.constantFrom('numpy' as const, 'permutation' as const, 'parts' as const, undefined),
      shuffleWindow: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      skipShuffleAtEpochEnd: fc.boolean(),
      shardBeforeShuffle: fc.boolean(),
      startOffset: fc.oneof(fc.constant(0), fc.nat({ max: 2 * length + 1 })),
      world: fc.option(fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 4 }))),
      dropShardRemainder: fc.boolean(),
    })
    .map(({ world, shuffle, dropShardRemainder, startOffset, shuffleWindow, ...shuffling }) => ({
      ...(shuffle ? { shuffle, ...withParts(shuffling, shuffleWindow, hasParts) } : {}),
      ...(world === null
        ? {}
        : {
            shardRank: world[0] % world[1],
            numShards: world[1],
            dropShardRemainder: dropShardRemainder && world[1] <= length,
          }),
      // An empty shard has no offsets.
      startOffset: world === null || world[1] <= length ? startOffset : 0,
    }));
}

function withParts(shuffling: Options, shuffleWindow: number | undefined, hasParts: boolean): Options {
  if (shuffling.shuffleAlgorithm !== 'parts') return shuffling;
  if (!hasParts) return { ...shuffling, shuffleAlgorithm: undefined };
  return { ...shuffling, shuffleWindow, shardBeforeShuffle: false };
}

export function anyPipeline(length: number, hasParts: boolean): fc.Arbitrary<Pipeline> {
  return fc
    .record({
      options: anyOptions(length, hasParts),
      steps: fc.array(anyStep, { maxLength: 3 }),
      batching: fc.option(anyBatching, { nil: undefined }),
      batchSteps: fc.array(anyStep, { maxLength: 3 }),
    })
    .map((pipeline) => {
      const { options, batching } = pipeline;
      if (batching === undefined || !batching.isGlobal) return pipeline;
      const isGlobal = options.shardBeforeShuffle !== true && options.dropShardRemainder !== true;
      return { ...pipeline, batching: { ...batching, isGlobal } };
    });
}

export function build(dataref: DataRef, pipeline: Pipeline): Stream | BatchStream {
  return complete(dataref.stream(pipeline.options as StreamOptions), pipeline);
}

/** The pipeline's transforms on a stream of its dataset. */
export function complete(stream: Stream, { steps, batching, batchSteps }: Pipeline): Stream | BatchStream {
  const records = steps.reduce((flow, step) => apply(flow, step, mapRecord), stream);
  if (batching === undefined) return records;
  const { isGlobal, size, remainder } = batching;
  const batches = isGlobal ? records.globalBatch(size, { remainder }) : records.batch(size, { remainder });
  return batchSteps.reduce((flow, step) => apply(flow, step, mapBatch), batches);
}

function apply<F extends Stream | BatchStream>(flow: F, step: Step, fn: unknown): F {
  switch (step.name) {
    case 'map':
      return (flow as Stream).map(fn as () => number) as unknown as F;
    case 'prefetch':
      return flow.prefetch() as F;
    case 'endless':
      return flow.repeat() as F;
    default:
      return flow[step.name](step.count) as F;
  }
}

/** Draws one of the map's random numbers, so that these are compared too. Leaves out what has no fixed shape. */
async function mapRecord(record: unknown, { epoch, index, random }: MapContext) {
  await Promise.resolve();
  const { tokens: _, ...rest } = typeof record === 'object' ? (record as { tokens?: unknown }) : { record };
  return { ...rest, epoch, index, drawn: random() };
}

function mapBatch(batch: { readonly length: number }, { epoch, position, random }: MapContext) {
  const drawn = Float64Array.from({ length: batch.length }, random);
  const at = ndarray(
    Float64Array.from({ length: batch.length * 2 }, (_, i) => (i % 2 ? epoch : position)),
    [batch.length, 2],
  );
  return { drawn, at };
}

/** An endless repeat over passes without output refuses to go on; every other pipeline can be read. */
export async function isReadable(flow: Stream | BatchStream): Promise<boolean> {
  try {
    for await (const _ of flow) break;
    return true;
  } catch (error) {
    if (isDataRefError(error, 'EMPTY')) return false;
    throw error;
  } finally {
    await flow.close();
  }
}
