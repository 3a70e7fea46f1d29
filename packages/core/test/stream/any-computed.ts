// Random pipelines of every transform as data, so that they can be built anew, at another world size, and shrunk.
import * as fc from 'fast-check';
import { anyOptions, type Options } from './pipelines.js';
import { anySample, hasParts, type Sample } from './samples.js';

type Remainder = 'keep' | 'drop' | 'pad';

export type Step =
  | { readonly name: 'map' | 'mapSkipping' | 'endless' }
  | { readonly name: 'prefetch'; readonly batches: number }
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
  named('prefetch', { batches: fc.constantFrom(0, 1, 3, 7) }),
  named('mapSkipping'),
  { arbitrary: named('filter', { keep: fc.constantFrom(0.3, 0.5, 0.7, 0.7, 0.9, 0.9, 1) }), weight: 3 },
  { arbitrary: named('flatMap', { most: fc.constantFrom(1, 2, 2, 3), isAsync: fc.boolean() }), weight: 3 },
  { arbitrary: counted('repeat', 1, 2), weight: 1 },
  named('window', { size: small(1, 4), shift: small(1, 4), remainder: fc.constantFrom('keep', 'drop') }),
  { arbitrary: named('pack', { length: small(1, 6), blockSize: small(0, 4), remainder: fc.constantFrom('keep', 'drop') }), weight: 2 }, // prettier-ignore
  named('bucket', { groupSize: small(1, 3), groups: small(1, 3) }),
);
/** Batches whose records are the same at any world: mapped and counted only where they are the same batches too. */
const anyGlobalRebatch: fc.Arbitrary<Step> = fc
  .record({ batching: anyBatching, isMapped: fc.boolean(), takes: small(0, 4) })
  .map(({ batching, isMapped, takes }) => {
    if (batching.isGlobal) return { name: 'rebatch', batching, isMapped, takes };
    const remainder = batching.remainder === 'drop' ? 'keep' : batching.remainder;
    return { name: 'rebatch', batching: { ...batching, remainder }, isMapped: false, takes: 0 };
  });
/** Of what is joined, which is not sharded: there all that is counted is counted of all. */
const anyInputStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anyGlobalStep, weight: 4 },
  { arbitrary: counted('take', 1, 6), weight: 1 },
  { arbitrary: counted('skip', 0, 3), weight: 1 },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anyGlobalStep, weight: 8 },
  { arbitrary: counted('take', 1, 6), weight: 1 },
  { arbitrary: counted('skip', 0, 3), weight: 1 },
  { arbitrary: named('rebatch', { batching: anyBatching, isMapped: fc.boolean(), takes: small(0, 4) }), weight: 1 },
);
const anyBatchStep: fc.Arbitrary<Step> = fc.oneof(
  named('map'),
  named('prefetch', { batches: fc.constantFrom(0, 1, 3, 7) }),
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

/** A pipeline of up to six transforms over one dataset or several; of so many in a hundred a map runs in worker threads. */
export function anyComputed(maxLength: number, workerPercent: number): fc.Arbitrary<Computed> {
  const withWorkers = fc.record({
    at: fc.nat({ max: 5 }),
    workers: fc.constantFrom(0, 1, 2, 4),
    batchSize: small(1, 3),
  });
  return fc
    .record({
      root: fc.oneof(
        { arbitrary: anySource(maxLength, fc.constant([])), weight: 3 },
        { arbitrary: anyJoin(Math.ceil(maxLength / 2), anyInputStep), weight: 2 },
      ),
      world: fc.option(anyWorld, { nil: undefined }),
      steps: fc.array(anyStep, { minLength: 1, maxLength: 4 }),
      batching: fc.option(anyBatching, { nil: undefined }),
      batchSteps: fc.array(anyBatchStep, { maxLength: 2 }),
      isEndless: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      module: fc
        .integer({ min: 0, max: 299 }) // one in four of those with a module runs it in no thread
        .chain((part) => (part < workerPercent * 4 ? withWorkers : fc.constant(undefined))),
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
        { arbitrary: anyJoin(Math.ceil(maxLength / 2), anyInputStep), weight: 1 },
      ),
      world: fc.constant(undefined),
      steps: fc.array(fc.oneof({ arbitrary: anyGlobalStep, weight: 8 }, { arbitrary: anyGlobalRebatch, weight: 1 }), { minLength: 1, maxLength: 4 }), // prettier-ignore
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
  const { root, steps, world } = pipeline;
  const shards = world?.numShards ?? ('how' in root ? 1 : (root.options.numShards ?? 1));
  return shards === 1 ? legalRoot(pipeline) : legalRoot({ ...pipeline, steps: steps.map(keptInEachWorld) });
}

/** What the batches of one rank leave out depends on the world, so that they are not taken apart. */
function keptInEachWorld(step: Step): Step {
  if (step.name !== 'rebatch' || step.batching.remainder !== 'drop') return step;
  return { ...step, batching: { ...step.batching, remainder: 'keep' } };
}

function legalRoot(pipeline: Computed): Computed {
  const { root, batching, world } = pipeline;
  if ('how' in root) return pipeline;
  if (root.options.dropShardRemainder === true && !pipeline.steps.every(isPlanned)) {
    const { dropShardRemainder: _, ...options } = root.options;
    return legalRoot({ ...pipeline, root: { ...root, options } });
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

export function worldless(options: Options): Options {
  const { shardRank: _r, numShards: _n, dropShardRemainder: _d, ...rest } = options;
  return rest;
}

/** Without what makes each shard an order of its own. */
export function oneOrder(options: Options): Options {
  const { shardBeforeShuffle: _, ...rest } = worldless(options);
  return rest;
}

/** Whether the shards may give different numbers of elements. */
export function isUneven({ world, batching }: Computed): boolean {
  return world !== undefined && world.numShards > 1 && !(batching?.isGlobal === true || batching?.remainder === 'pad');
}
