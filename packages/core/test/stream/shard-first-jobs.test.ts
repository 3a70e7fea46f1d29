import { describe, expect, jest, test } from '@jest/globals';
import { joinStates, type StateNode } from '@dataref/core';
import * as fc from 'fast-check';
import { leftIn, type Layer, type Left } from '../../dist/stream/remaining.js';
import { sourceOf } from '../../dist/stream/state.js';
import { announceSeed, runs, scale } from '../scale.js';
import { anyLife, anyPipeline, build, goOn, live, outputsOf, sorted } from './dealt-first.js';
import { through } from './gather.js';

const seed = announceSeed('stream/shard-first-jobs');
jest.setTimeout(3_600_000);

/** Epochs that a job runs: whole iterations of one or two passes. */
const EPOCHS = 4;

describe('a job that is dealt first, killed and gone on with at other world sizes', () => {
  test('gives every output of every epoch exactly once, wherever its ranks stood', async () => {
    let outputs = 0;
    let layers = 0;
    const anyCase = fc.record({
      length: fc.integer({ min: 0, max: 24 }),
      pipeline: anyPipeline,
      lives: fc.array(anyLife, { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ length, pipeline, lives }) => {
        const alone = await goOn(build(length, { ...pipeline, passes: 1 }, 3), Infinity, EPOCHS);
        const unbroken = alone.flatMap(outputsOf).filter(({ epoch }) => epoch < EPOCHS);
        const { seen, states } = await live(length, pipeline, lives, EPOCHS);
        outputs += seen.length;
        for (const { node } of states) layers = Math.max(layers, layersIn(node).length);
        expect(sorted(seen)).toEqual(sorted(unbroken));
      }),
      { seed, numRuns: scale < 1 ? runs(1000) : 4000, timeout: 60_000 },
    );
    expect(outputs).toBeGreaterThan(0);
    expect(layers).toBeGreaterThan(scale < 1 ? 0 : 1); // of a hundred random jobs two die twice in one epoch
  });

  test('joined again before it did anything, stands where it stood', async () => {
    const anyCase = fc.record({
      length: fc.integer({ min: 1, max: 24 }),
      pipeline: anyPipeline,
      lives: fc.array(anyLife, { minLength: 2, maxLength: 3 }),
      shards: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ length, pipeline, lives, shards }) => {
        const { states } = await live(length, pipeline, lives, EPOCHS);
        const [state] = states as [(typeof states)[0]];
        const flows = Array.from({ length: shards }, (_, shardRank) =>
          build(length, pipeline, 2, { shardRank, numShards: shards }).resume(state),
        );
        const again = joinStates(flows.map((flow) => through(flow.state)));
        expect([again.epoch, countsIn(again.node)]).toEqual([state.epoch, countsIn(state.node)]);
        for (let epoch = state.epoch; epoch < EPOCHS; epoch++) {
          const [now, before] = [again, state].map(({ node }) => leftIn(layersIn(node), length, epoch));
          const positions = (left: Left) => Array.from({ length: left.length }, (_, k) => left.at(k));
          expect(positions(now!)).toEqual(positions(before!));
        }
      }),
      { seed, numRuns: runs(500), timeout: 60_000 },
    );
  });
});

function layersIn(node: StateNode): readonly Layer[] {
  return sourceOf({ node })?.shardFirst?.layers as readonly Layer[];
}

function countsIn(node: StateNode): readonly number[] {
  return node.kind === 'step' ? [node.count, ...countsIn(node.input)] : [];
}
