// Builds the random pipelines of any-computed.ts.
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
import {
  oneOrder,
  worldless,
  type Batching,
  type Computed,
  type Join,
  type Source,
  type Step,
} from './any-computed.js';
import { openSample } from './samples.js';

/** Run in worker threads, or in this one where `workers` is 0. */
export const MODULE = new URL('./modules/describe.mjs', import.meta.url);
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
        flow = flow.prefetch({ batches: step.batches });
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
      return flow.prefetch({ batches: step.batches });
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
