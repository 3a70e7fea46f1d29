import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../scale.js';
import { anyComputed, buildComputed, isUneven, sizeOf, type Computed } from './computed-pipelines.js';
import { removeSamples } from './samples.js';

const seed = announceSeed('stream/computed-resume');
jest.setTimeout(3_600_000);
afterAll(removeSamples);

/** Elements of a pipeline that is interrupted at every one of them; of longer ones, the first few. */
const MOST = 16;
const FEW = 6;
/** The opt-in run of many more: DATAREF_TEST_PIPELINES=20000. */
const pipelines = Number(process.env['DATAREF_TEST_PIPELINES'] ?? runs(2000));

async function check(pipeline: Computed): Promise<number> {
  const size = await sizeOf(await buildComputed(pipeline), MOST);
  if (size === undefined) return 0;
  const limit = size > MOST ? FEW : undefined;
  const suite = resumeSuite({ pipeline: () => buildComputed(pipeline), limit, isUneven: isUneven(pipeline) });
  for (const { run } of suite) await run();
  return Math.min(size, FEW);
}

describe('any pipeline of up to six transforms', () => {
  test(`resumed after any output, is as if it had never stopped (${pipelines} pipelines)`, async () => {
    let checked = 0;
    let outputs = 0;
    await fc.assert(
      fc.asyncProperty(anyComputed(6, 5), async (pipeline) => {
        const count = await check(pipeline);
        checked += count > 0 ? 1 : 0;
        outputs += count;
      }),
      { seed, numRuns: pipelines, timeout: 60_000 },
    );
    console.info(`stream/computed-resume: ${checked} pipelines with output, ${outputs} interruptions at least`);
    expect(checked).toBeGreaterThan(pipelines / 4);
  });
});
