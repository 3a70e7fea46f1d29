import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { ndarray } from '@dataref/core';
import { loadCheckpoint, type TrainingOptions } from '@dataref/onnx/pure';
import { bitsOf, loopOf, mlp, openSession, stepsOf } from './points.js';

let session: ort.InferenceSession;
beforeAll(async () => {
  session = await openSession(mlp);
});
afterAll(() => session.release());

type Run = (feeds: ort.InferenceSession.FeedsType, fetches: Record<string, ort.Tensor | null>) => Promise<unknown>;

/** A session of one's own around the real one. */
function around(run: Run): TrainingOptions['session'] {
  const { inputMetadata, outputMetadata } = session;
  return { inputMetadata, outputMetadata, run: run as ort.InferenceSession['run'] };
}

test('a run that does not pass fetches on learns all the same', async () => {
  const loop = loopOf(around((feeds) => session.run(feeds)));
  const plain = loopOf(session);
  expect(await stepsOf(loop)).toEqual(await stepsOf(plain));
  expect(bitsOf(loop.parameters())).toEqual(bitsOf(plain.parameters()));
});

describe('a run that gives something else than the model says ends the loop, by name, and the state stays:', () => {
  const changed = (change: (results: Record<string, unknown>) => unknown): Run => {
    let count = 0;
    return async (feeds, fetches) => {
      const results = { ...(await session.run(feeds, fetches)) };
      return ++count === 3 ? change(results) : results;
    };
  };
  const replaced = (name: string, value: unknown) => changed((results) => ({ ...results, [name]: value }));
  const tensor = (type: string, data: unknown, dims: readonly number[]) => ({ type, data, dims });

  test.each<[string, Run, string]>([
    ['nothing at all', changed(() => undefined), 'loss'],
    ['no loss', replaced('loss', undefined), 'loss'],
    ['a loss for each row', replaced('loss', tensor('float32', Float32Array.of(1, 2), [2])), 'loss'],
    ['no metric', replaced('accuracy', undefined), 'accuracy'],
    ['too few of the state', replaced('dense1.bias.out', undefined), 'dense1.bias.out'],
    [
      'a state of another shape',
      replaced('dense1.bias.out', tensor('float32', new Float32Array(5), [5])),
      'dense1.bias.out',
    ],
    [
      'a state of another dtype',
      replaced('dense1.bias.out', tensor('float64', new Float64Array(6), [6])),
      'dense1.bias.out',
    ],
  ])('%s', async (_what, run, output) => {
    const loop = loopOf(around(run));
    await expect(stepsOf(loop)).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: expect.stringContaining(output),
      details: { output },
    });
    expect(loop.step).toBe(2);
    const two = loopOf(session, { steps: 2 });
    await stepsOf(two);
    expect(bitsOf(loop.parameters())).toEqual(bitsOf(two.parameters()));
  });
});

describe('of float16, whose tensors hold bits,', () => {
  const value = (name: string, type: 'float16' | 'float32', shape: readonly (number | string)[]) =>
    ({ name, isTensor: true, type, shape }) as const;
  /** Its state is 1, 2, NaN after steps 1, 2, 3, and so is the metric. */
  const half = (): TrainingOptions['session'] => {
    let step = 0;
    const run: Run = () => {
      const bits = Uint16Array.of([0x3c00, 0x4000, 0x7e00][step++] as number);
      const state = new ort.Tensor('float16', bits, [1]);
      const loss = new ort.Tensor('float32', Float32Array.of(1), []);
      return Promise.resolve({ loss, 'w.out': state, size: state });
    };
    return {
      inputMetadata: [value('x', 'float32', ['N', 1, 8, 8]), value('w', 'float16', [1])],
      outputMetadata: [value('loss', 'float32', []), value('w.out', 'float16', [1]), value('size', 'float16', [1])],
      run: run as ort.InferenceSession['run'],
    };
  };
  const parameters = { w: ndarray(new Uint16Array(1), [1], 'float16') };

  test('metrics are numbers', async () => {
    const steps = await stepsOf(loopOf(half(), { parameters, learningRate: undefined, steps: 2 }));
    expect(steps.map(({ metrics }) => metrics['size'])).toEqual([1, 2]);
  });

  test('a state that is not finite never replaces a good checkpoint', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dataref-onnx-'));
    const checkpoint = { path: join(folder, 'half.ckpt'), model: mlp.trainingGraph, everySteps: 1 };
    const loop = loopOf(half(), { parameters, learningRate: undefined, steps: 3, checkpoint });
    await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'NOT_FINITE', details: { name: 'w' } });
    expect(await loadCheckpoint(checkpoint.path)).toMatchObject({ step: 2 });
    rmSync(folder, { recursive: true });
  });
});
