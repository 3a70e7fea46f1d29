import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as ort from 'onnxruntime-node';
import type { TrainingOptions } from '@dataref/onnx/pure';
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
