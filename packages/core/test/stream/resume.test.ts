import { afterAll, describe, jest, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import { parseState, type DataRef, type Flow, type StreamState } from '@dataref/core';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../scale.js';
import { anyPipeline, build, complete, isReadable, type Pipeline } from './pipelines.js';
import { anySample, hasParts, openSample, removeSamples, type Sample } from './samples.js';

const seed = announceSeed('stream/resume');
jest.setTimeout(600_000);
afterAll(removeSamples);

const anyCase = anySample(13).chain((sample) =>
  fc.record({ sample: fc.constant(sample), pipeline: anyPipeline(sample.length, hasParts(sample)) }),
);

describe('any pipeline over any dataset', () => {
  test('resumed after any element, is as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, ({ sample, pipeline }) => runSuite(sample, pipeline, build)),
      { seed, numRuns: runs(500) },
    );
  });

  test('resumed through the dataset, which takes the options from the state, is as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, ({ sample, pipeline }) => runSuite(sample, pipeline, buildPending)),
      { seed, numRuns: runs(200) },
    );
  });
});

async function runSuite(
  sample: Sample,
  pipeline: Pipeline,
  make: (dataref: DataRef, pipeline: Pipeline) => Flow<unknown>,
): Promise<void> {
  if (!(await isReadable(build(await openSample(sample), pipeline)))) return;
  const isEndless = build(await openSample(sample), pipeline).length === Infinity;
  const suite = resumeSuite({
    pipeline: async () => make(await openSample(sample), pipeline),
    limit: isEndless ? 14 : undefined,
    isUneven: isUneven(pipeline),
  });
  for (const { run } of suite) await run();
}

/** Whether the pipeline's shards may give different numbers of elements. */
function isUneven({ options, batching }: Pipeline): boolean {
  const { numShards = 1, dropShardRemainder, shardBeforeShuffle } = options;
  const isPadded = batching !== undefined && (batching.isGlobal || batching.remainder === 'pad');
  return numShards > 1 && shardBeforeShuffle !== true && dropShardRemainder !== true && !isPadded;
}

/** The same pipeline, whose `resume` goes by way of `dataref.resume`. */
function buildPending(dataref: DataRef, pipeline: Pipeline): Flow<unknown> {
  const { shardRank, numShards, dropShardRemainder } = pipeline.options;
  const shard =
    shardRank === undefined || numShards === undefined ? undefined : { shardRank, numShards, dropShardRemainder };
  return new Proxy(build(dataref, pipeline), {
    get(flow, name) {
      if (name !== 'resume') {
        const value: unknown = Reflect.get(flow, name, flow);
        return typeof value === 'function' ? (value.bind(flow) as unknown) : value;
      }
      return (state: StreamState | undefined) =>
        state === undefined ? flow : complete(dataref.resume(parseState(state), shard), pipeline);
    },
  });
}
