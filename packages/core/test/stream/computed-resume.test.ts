import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import * as fc from 'fast-check';
import { announceSeed, runs, scale } from '../scale.js';
import { anyComputed, isUneven, type Computed } from './any-computed.js';
import { buildComputed, MODULE, sizeOf } from './computed-pipelines.js';
import { iterate, range } from './gather.js';
import { removeSamples } from './samples.js';

const seed = announceSeed('stream/computed-resume');
afterAll(removeSamples);

/** Elements of a pipeline that is interrupted at every one of them; of longer ones, mostly endless, the first few. */
const MOST = 100;
const FEW = 6;
/** Where each interruption ends worker threads. */
const FEW_IN_WORKERS = 3;
/** The opt-in run of many more: DATAREF_TEST_PIPELINES=20000. */
const pipelines = Number(process.env['DATAREF_TEST_PIPELINES'] ?? (scale < 1 ? runs(300) : 2000));
// A second or so each at the most, on a busy machine.
jest.setTimeout(Math.max(3_600_000, pipelines * 2000));

async function check(pipeline: Computed): Promise<number> {
  const size = await sizeOf(await buildComputed(pipeline), MOST);
  if (size === undefined) return 0;
  const few = pipeline.steps.some((step) => step.name === 'mapModule' && step.workers > 0) ? FEW_IN_WORKERS : FEW;
  const limit = size > MOST || few < FEW ? few : undefined;
  const suite = resumeSuite({ pipeline: () => buildComputed(pipeline), limit, isUneven: isUneven(pipeline) });
  for (const { run } of suite) await run();
  return limit ?? size;
}

describe('any pipeline of up to six transforms', () => {
  test(`resumed after any output, is as if it had never stopped (${pipelines} pipelines)`, async () => {
    // Holds the threads that all of them share.
    const holders = [1, 2, 4].map((workers) => range(9).stream().map(MODULE, { workers }));
    for (const holder of holders) await iterate<unknown>(holder).next();
    let checked = 0;
    let outputs = 0;
    let done = 0;
    await fc.assert(
      fc.asyncProperty(anyComputed(12, 5), async (pipeline) => {
        const count = await check(pipeline);
        checked += count > 0 ? 1 : 0;
        outputs += count;
        // An hour of silence tells nobody how far it came.
        if (++done % 1000 === 0) process.stderr.write(`stream/computed-resume: ${done} of ${pipelines} pipelines\n`);
      }),
      { seed, numRuns: pipelines, timeout: 60_000 },
    );
    for (const holder of holders) await holder.close();
    console.info(`stream/computed-resume: ${checked} pipelines with output, ${outputs} interruptions at least`);
    expect(checked).toBeGreaterThan(pipelines / (scale < 1 ? 8 : 4));
  });
});
