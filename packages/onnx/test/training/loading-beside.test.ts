import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import type { BatchStream } from '@dataref/core';
import { toOrtFeeds, type TrainingOptions } from '@dataref/onnx/pure';
import { bitsOf, loopOf, mlp, openSession, stepsOf, stream } from './points.js';

const module = new URL('./modules/noisy-points.mjs', import.meta.url);
const openFeeds = (own: ort.InferenceSession) => toOrtFeeds(module, { session: own, ort, maskInput: 'mask' });
let session: ort.InferenceSession;
let folder: string;
beforeAll(async () => {
  session = await openSession(mlp);
  folder = await mkdtemp(join(tmpdir(), 'dataref-onnx-'));
});
afterAll(async () => {
  await session.release();
  await rm(folder, { recursive: true, force: true });
});

test('a loop over feeds from a worker learns what one over the stream does, stopped after any step too', async () => {
  const { default: batches } = (await import(module.href)) as { default: () => BatchStream };
  const whole = loopOf(session, { stream: batches() });
  const wholeSteps = await stepsOf(whole);
  expect(wholeSteps).toHaveLength(3 * 4);
  for (const stop of [0, 1, 3, 4, 5, 12]) {
    const checkpoint = { path: join(folder, `${stop}.safetensors`), model: mlp.trainingGraph, intraOpNumThreads: 1 };
    const feeds = await openFeeds(session);
    const first = await stepsOf(loopOf(session, { stream: feeds, checkpoint, steps: stop }));
    await feeds.close();
    const again = await openFeeds(session);
    const second = loopOf(session, { stream: again, checkpoint });
    const rest = [];
    // Left after each step, with batches made ahead that it does not come to see.
    do {
      for await (const step of second) {
        rest.push(step);
        if (rest.length % 2 === 1) break;
      }
    } while (first.length + rest.length < wholeSteps.length);
    expect([...first, ...rest]).toEqual(wholeSteps);
    expect(bitsOf(second.parameters())).toEqual(bitsOf(whole.parameters()));
    await again.close();
  }
});

test('feeds of a stream here are taken as well', async () => {
  const whole = loopOf(session);
  const steps = await stepsOf(whole);
  const feeds = toOrtFeeds(stream(), { session, ort, maskInput: 'mask', reuseBuffers: true });
  const fed = loopOf(session, { stream: feeds });
  expect(await stepsOf(fed)).toEqual(steps);
  expect(bitsOf(fed.parameters())).toEqual(bitsOf(whole.parameters()));
});

test('what was bound already is not bound again, and what was not bound is asked for by name', async () => {
  const feeds = toOrtFeeds(stream(), { session, ort, inputs: { x: 'x', y: 'y' } });
  const options: Partial<TrainingOptions> = { stream: feeds };
  expect(() => loopOf(session, { ...options, maskInput: 'mask' })).toThrow(/maskInput belongs to toOrtFeeds/u);
  expect(() => loopOf(session, { ...options, inputs: { x: 'x' } })).toThrow(/inputs belongs to toOrtFeeds/u);
  const loop = loopOf(session, options);
  await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /nothing for input mask/u });
  expect(loop.step).toBe(0);
});
