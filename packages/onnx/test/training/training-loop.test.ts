import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { parseState, type Progress } from '@dataref/core';
import { trainingLoop, type TrainingMoment, type TrainingOptions } from '@dataref/onnx/pure';
import { bitsOf, cnn, loopOf, mlp, openSession, points, stepsOf, STEPS_AN_EPOCH, stream } from './points.js';

let session: ort.InferenceSession;
beforeAll(async () => {
  session = await openSession(mlp);
});
afterAll(() => session.release());

/** The same training without the loop: what a step gives is fed to the next one. */
async function byHand(epochs: number, rateAt: (step: number) => number) {
  let state: Record<string, ort.Tensor> = Object.fromEntries(
    Object.entries(mlp.initialState(1)).map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype, data.slice(), shape),
    ]),
  );
  const losses: number[] = [];
  for await (const batch of stream().repeat(epochs)) {
    const { x, y } = batch.columns;
    const results = await session.run({
      ...state,
      x: new ort.Tensor('float32', x.data, [...x.shape]),
      y: new ort.Tensor('int32', y.data, [...y.shape]),
      mask: new ort.Tensor('float32', new Float32Array(batch.length).fill(1), [batch.length]),
      lr: new ort.Tensor('float32', Float32Array.of(rateAt(losses.length)), []),
    });
    losses.push(Number((results['loss'] as ort.Tensor).data[0]));
    state = Object.fromEntries(Object.keys(state).map((name) => [name, results[`${name}.out`] as ort.Tensor]));
  }
  return { losses, state };
}

test('a loop learns what a loop written by hand does, to the bit', async () => {
  const rateAt = (step: number): number => 0.05 / (1 + step);
  const { losses, state } = await byHand(3, rateAt);
  const loop = loopOf(session, { learningRate: ({ step }) => rateAt(step) });
  const steps = await stepsOf(loop);
  expect(steps.map(({ loss }) => loss)).toEqual(losses);
  expect(bitsOf(loop.parameters())).toEqual(bitsOf(state));
});

test('the runtime that makes tensors for outputs is served as the one that writes into given ones', async () => {
  const inPlace = loopOf(session);
  const fresh = loopOf(session, { ort: { Tensor: ort.Tensor } });
  expect(await stepsOf(fresh)).toEqual(await stepsOf(inPlace));
  expect(bitsOf(fresh.parameters())).toEqual(bitsOf(inPlace.parameters()));
});

test('a step tells its number, epoch, loss, metrics, learning rate, rows and state', async () => {
  const loop = loopOf(session, { epochs: 2 });
  const steps = await stepsOf(loop);
  expect(steps).toHaveLength(2 * STEPS_AN_EPOCH);
  steps.forEach((step, i) => {
    expect(step).toEqual({
      step: i + 1,
      epoch: Math.floor(i / STEPS_AN_EPOCH),
      loss: expect.any(Number),
      metrics: { accuracy: expect.any(Number) },
      learningRate: 0.05,
      validLength: i % STEPS_AN_EPOCH === STEPS_AN_EPOCH - 1 ? 2 : 8,
      state: parseState(step.state),
    });
    expect((step.metrics['accuracy'] as number) * step.validLength).toBeCloseTo(
      Math.round((step.metrics['accuracy'] as number) * step.validLength),
      4,
    );
  });
  expect(steps.at(-1)?.state.epoch).toBe(2);
  expect(loop.state).toEqual(steps.at(-1)?.state);
  expect(loop.step).toBe(steps.length);
  const mean = (from: number): number =>
    steps.slice(from, from + STEPS_AN_EPOCH).reduce((sum, { loss }) => sum + loss, 0) / STEPS_AN_EPOCH;
  expect(mean(STEPS_AN_EPOCH)).toBeLessThan(mean(0));
});

test('padded rows teach nothing: a padded last batch gives what a short one does', async () => {
  const short = loopOf(session, { epochs: 2 });
  const padded = loopOf(session, { epochs: 2, stream: stream({ remainder: 'pad' }) });
  const losses = (await stepsOf(short)).map(({ loss }) => loss);
  (await stepsOf(padded)).forEach(({ loss }, i) => expect(loss).toBeCloseTo(losses[i] as number, 5));
});

test('a learning rate is asked for before each step, by steps made and epoch', async () => {
  const asked: TrainingMoment[] = [];
  const learningRate = (at: TrainingMoment): number => (asked.push(at), at.epoch === 0 ? 0 : 0.1);
  const loop = loopOf(session, { learningRate, epochs: 2 });
  const first = bitsOf(mlp.initialState(1));
  const weight = (name: string): string | undefined => bitsOf(loop.parameters())[name];
  for await (const { step, epoch, learningRate: made } of loop) {
    expect(asked).toHaveLength(step);
    expect(asked.at(-1)).toEqual({ step: step - 1, epoch });
    expect(made).toBe(epoch === 0 ? 0 : 0.1);
    if (epoch === 0) expect(weight('dense1.weight')).toBe(first['dense1.weight']);
  }
  expect(weight('dense1.weight')).not.toBe(first['dense1.weight']);
});

test('the first values are copied, and parameters() gives copies', async () => {
  const parameters = mlp.initialState(1);
  const loop = loopOf(session, { parameters });
  for (const { data } of Object.values(parameters)) data.fill(NaN);
  await stepsOf(loop);
  const seen = loop.parameters();
  const bits = bitsOf(seen);
  for (const { data } of Object.values(seen)) (data as Float32Array).fill(1);
  expect(bitsOf(loop.parameters())).toEqual(bits);
  expect(Object.keys(seen)).toEqual(Object.keys(parameters));
});

describe('limits:', () => {
  test.each([
    [{ epochs: 0 }, 0],
    [{ steps: 0 }, 0],
    [{ steps: 3 }, 3],
    [{ steps: 10 }, 10],
    [{ epochs: 1, steps: 10 }, STEPS_AN_EPOCH],
    [{ epochs: 2, steps: 10 }, 10],
    [{ epochs: Infinity, steps: 30 }, 30],
  ])('%j makes %d steps', async (limits, count) => {
    const loop = trainingLoop({
      session,
      ort,
      stream: stream(),
      parameters: mlp.initialState(1),
      learningRate: 0.01,
      ...limits,
    });
    expect(await stepsOf(loop)).toHaveLength(count);
    expect(await stepsOf(loop)).toHaveLength(0);
  });

  test('an endless stream, and one that was resumed, end with their epoch', async () => {
    const plain = await stepsOf(loopOf(session, { epochs: 2 }));
    expect(await stepsOf(loopOf(session, { epochs: 2, stream: stream().repeat() }))).toHaveLength(plain.length);
    const resumed = stream().resume(plain[4]?.state);
    expect(await stepsOf(loopOf(session, { epochs: 2, stream: resumed }))).toHaveLength(plain.length - 5);
  });

  test('epochs without a batch are an error, and not for ever', async () => {
    const nothing = points
      .stream()
      .filter(() => false)
      .batch(4);
    await expect(stepsOf(loopOf(session, { steps: Infinity, stream: nothing }))).rejects.toMatchObject({
      code: 'EMPTY',
    });
  });
});

test('a shard that has no row of a global batch makes no step with it, and goes on with the next epoch', async () => {
  const shard = points.stream({ shuffle: true, shuffleSeed: 3, shardRank: 1, numShards: 2 });
  const steps = await stepsOf(loopOf(session, { epochs: 2, stream: shard.globalBatch(7) }));
  // Seven global batches of seven records, of which this shard has three or four, and one of a single record.
  expect(steps.map(({ epoch }) => epoch)).toEqual([...Array<number>(7).fill(0), ...Array<number>(7).fill(1)]);
  expect(steps.every(({ validLength, loss }) => validLength >= 3 && Number.isFinite(loss))).toBe(true);
});

test('a loop that was left goes on where it stood', async () => {
  const whole = await stepsOf(loopOf(session));
  const loop = loopOf(session);
  const seen = [];
  while (seen.length < whole.length) {
    for await (const step of loop) {
      seen.push(step);
      if (seen.length % 4 === 0) break;
    }
  }
  expect(seen).toEqual(whole);
});

test('a loop entered twice at once is refused', async () => {
  const loop = loopOf(session);
  for await (const _ of loop) {
    await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /entered twice/u });
    break;
  }
});

test('progress counts the steps, promises a total, and ends with it', async () => {
  const told: Progress[] = [];
  const onProgress = (progress: Progress): void => void told.push(progress);
  const count = 3 * STEPS_AN_EPOCH;
  await stepsOf(loopOf(session, { onProgress }));
  expect(told.map(({ done }) => done)).toEqual([...Array.from({ length: count }, (_, i) => i + 1), count]);
  expect(told.slice(0, -2).every(({ total, isStopped }) => total === count && isStopped !== true)).toBe(true);
  expect(told.at(-1)).toMatchObject({ phase: 'train', total: count, unit: 'steps' });

  told.length = 0;
  await stepsOf(loopOf(session, { steps: 4, onProgress }));
  expect(told.map(({ done, total }) => [done, total])).toEqual([1, 2, 3, 4].map((done) => [done, 4]));

  told.length = 0;
  for await (const { step } of loopOf(session, { onProgress })) if (step === 2) break;
  expect(told.map(({ done, isStopped }) => [done, isStopped === true])).toEqual([
    [1, false],
    [2, false],
    [2, true],
  ]);
});

test('a CNN learns in the same way', async () => {
  const own = await openSession(cnn);
  const options: Partial<TrainingOptions> = { parameters: cnn.initialState(2), epochs: 20, learningRate: 0.1 };
  const steps = await stepsOf(loopOf(own, options));
  expect(steps.at(-1)?.loss).toBeLessThan((steps[0]?.loss as number) / 4);
  await own.release();
});
