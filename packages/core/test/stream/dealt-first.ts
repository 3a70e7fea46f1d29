// Jobs whose streams are dealt first, as data: their pipelines, their lives in worlds of any size, and what they give.
import {
  field,
  joinStates,
  type Batch,
  type Flow,
  type MapContext,
  type Stream,
  type StreamState,
} from '@dataref/core';
import * as fc from 'fast-check';
import { range, through } from './gather.js';

/** What a pipeline gives for one record: enough to tell that it is the same in whatever world. */
export interface Output {
  readonly value: number;
  readonly epoch: number;
  readonly random: number;
}
const OUTPUT = { value: field('float64'), epoch: field('float64'), random: field('float64') };

export interface Pipeline {
  readonly order: 'sequential' | 'numpy' | 'permutation';
  /** Of a hundred records, in each epoch others; 100: without a filter. */
  readonly percent: number;
  /** Passes of an iteration, and where they are repeated. */
  readonly passes: number;
  readonly repeats: 'records' | 'outputs' | 'batches';
  readonly isBatched: boolean;
  readonly prefetch: number;
  readonly onError: boolean;
}

export const anyPipeline: fc.Arbitrary<Pipeline> = fc.record({
  order: fc.constantFrom('sequential', 'numpy', 'permutation'),
  percent: fc.constantFrom(0, 20, 50, 50, 90, 100),
  passes: fc.integer({ min: 1, max: 2 }),
  repeats: fc.constantFrom('records', 'outputs', 'batches'),
  isBatched: fc.boolean(),
  prefetch: fc.nat({ max: 2 }),
  onError: fc.boolean(),
});

/** One life of a job: on each rank so many elements, then killed. */
export interface Life {
  readonly shards: number;
  readonly elements: readonly number[];
  readonly size: number;
}

/** Lives of ranks that are in step, nearly so, or epochs apart. */
export const anyLife: fc.Arbitrary<Life> = fc.integer({ min: 1, max: 5 }).chain((shards) =>
  fc.record({
    shards: fc.constant(shards),
    size: fc.integer({ min: 1, max: 4 }),
    elements: fc.oneof(
      fc.array(fc.nat({ max: 14 }), { minLength: shards, maxLength: shards }),
      fc.nat({ max: 6 }).map((elements) => Array.from({ length: shards }, () => elements)),
      fc
        .tuple(fc.nat({ max: 6 }), fc.nat({ max: shards }))
        .map(([elements, ahead]) => Array.from({ length: shards }, (_, rank) => elements + (rank < ahead ? 1 : 0))),
    ),
  }),
);

/** A pipeline over records 0 … length − 1, of one rank; of the whole dataset without a world. */
export function build(
  length: number,
  { order, percent, passes, repeats, isBatched, prefetch, onError }: Pipeline,
  size: number,
  world?: { readonly shardRank: number; readonly numShards: number },
): Flow<any> {
  const options = order === 'sequential' ? {} : { shuffle: true, shuffleSeed: 5, shuffleAlgorithm: order };
  const dealt = world === undefined ? {} : { ...world, shardFirst: true };
  const describe = (value: number, { epoch, random }: MapContext): Output => ({ value, epoch, random: random() });
  let stream: Stream = range(length).stream({ ...options, ...dealt });
  if (repeats === 'records') stream = stream.repeat(passes);
  stream = stream.map(describe, { schema: OUTPUT, ...(onError && { onError: 'skip' }) });
  if (percent < 100)
    stream = stream.filter(({ value, epoch }: Output) => (value * 37 + epoch * 61 + value * epoch) % 100 < percent);
  if (repeats === 'outputs' || (repeats === 'batches' && !isBatched)) stream = stream.repeat(passes);
  const ahead = <F extends Flow<any>>(flow: F): F => (prefetch === 0 ? flow : flow.prefetch({ batches: prefetch }));
  if (!isBatched) return ahead(stream);
  const batches = stream.batch(size);
  return ahead(repeats === 'batches' ? batches.repeat(passes) : batches);
}

/** The outputs of an element. */
export const outputsOf = (element: Output | Batch): readonly Output[] =>
  'validLength' in element ? element.records() : [element];

/** Goes on with a flow, iteration by iteration, until `limit` elements were given or the next one is of epoch `end`. */
export async function goOn<T>(flow: Flow<T>, limit: number, end: number): Promise<T[]> {
  const seen: T[] = [];
  let left = limit;
  while (left > 0 && flow.epoch < end) {
    for await (const element of flow) {
      seen.push(element);
      if (--left <= 0) break;
    }
  }
  return seen;
}

/** Runs a job through its lives, the last one to the end of the epochs, and gives all that its ranks gave. */
export async function live(
  length: number,
  pipeline: Pipeline,
  lives: readonly Life[],
  end: number,
): Promise<{ readonly seen: readonly Output[]; readonly states: readonly StreamState[] }> {
  const seen: Output[] = [];
  const states: StreamState[] = [];
  let state: StreamState | undefined;
  for (const [number, { shards, elements, size }] of lives.entries()) {
    const flows = elements.map((_, shardRank) =>
      build(length, pipeline, size, { shardRank, numShards: shards }).resume(state),
    );
    for (const [rank, flow] of flows.entries()) {
      const given = await goOn(flow, number === lives.length - 1 ? Infinity : (elements[rank] as number), end);
      seen.push(...given.flatMap(outputsOf));
    }
    state = through(joinStates(through(flows.map((flow) => flow.state)).toReversed()));
    states.push(state);
    await Promise.all(flows.map((flow) => flow.close()));
  }
  return { seen, states };
}

/** In an order of their own, so that two jobs can be compared. */
export function sorted(outputs: readonly Output[]): Output[] {
  return outputs.toSorted((a, b) => a.epoch - b.epoch || a.value - b.value);
}
