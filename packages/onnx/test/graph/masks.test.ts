import { ndarray } from '@dataref/core';
import {
  adamW,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  meanSquaredError,
  sequential,
  softmaxCrossEntropy,
  type Loss,
} from '@dataref/onnx/graph';
import { describe, expect, test } from '@jest/globals';
import { randomOf } from '../../../core/test/scale.js';
import { openTraining, type Arrays, type Step } from './run.js';

const random = randomOf(1);
const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => 10 * random() - 5);

interface Case {
  readonly loss: (mask?: string) => Loss;
  readonly answers: (length: number) => Arrays[string];
}
const CASES: Record<string, Case> = {
  softmaxCrossEntropy: {
    loss: (mask) => softmaxCrossEntropy({ labels: 'y', dtype: 'int64', mask }),
    answers: (length) =>
      ndarray(
        BigInt64Array.from({ length }, () => BigInt(Math.floor(random() * 3))),
        [length],
      ),
  },
  meanSquaredError: {
    loss: (mask) => meanSquaredError({ targets: 'y', mask }),
    answers: (length) => ndarray(numbers(3 * length), [length, 3]),
  },
};

describe.each(Object.entries(CASES))('%s', (_name, { loss, answers }) => {
  const networkOf = (mask?: string) =>
    sequential({
      input: { name: 'x', shape: [2, 5, 5] },
      layers: [conv2d(4, 3), maxPool2d(2, { strides: 1 }), flatten(), dense(3)],
      loss: loss(mask),
      optimizer: adamW(),
    });
  const batch = (length: number): Arrays => ({
    x: ndarray(numbers(length * 50), [length, 2, 5, 5]),
    y: answers(length),
  });
  const masked = networkOf('mask');
  const run = async (network: typeof masked, data: Arrays): Promise<Step> =>
    (await openTraining(network))(network.initialState(5), 0.01, data);

  test.each([1, 2, 7])('of %i real rows, masked rows change nothing, whatever they hold', async (length) => {
    const real = batch(length);
    const withPadding = (padding: Arrays): Arrays => ({
      ...Object.fromEntries(['x', 'y'].map((name) => [name, joined(real[name], padding[name])])),
      mask: ndarray(
        Float32Array.from({ length: length + 3 }, (_, i) => Number(i < length)),
        [length + 3],
      ),
    });
    const one = await run(masked, withPadding(batch(3)));
    expect(await run(masked, withPadding(batch(3)))).toEqual(one);

    const alone = await run(masked, { ...real, mask: ndarray(new Float32Array(length).fill(1), [length]) });
    expectClose(one, alone);
    expectClose(await run(networkOf(), real), alone);
  });

  test('a batch without a real row leaves parameters as the optimizer leaves those of no gradient', async () => {
    const { loss: nothing, state } = await run(masked, { ...batch(2), mask: ndarray(new Float32Array(2), [2]) });
    expect(nothing).toBe(0);
    const start = masked.initialState(5);
    for (const name of masked.parameterNames)
      for (const [i, value] of (state[name]?.data ?? []).entries())
        expect(value).toBeCloseTo((start[name]?.data[i] ?? NaN) * (1 - 0.01 * 0.01), 7);
  });
});

function expectClose(got: Step, expected: Step): void {
  expect(got.loss).toBeCloseTo(expected.loss, 4);
  for (const [name, { data }] of Object.entries(expected.state)) {
    if (!name.endsWith('.m')) continue; // A tenth of the gradient; a step of Adam's takes its sign alone.
    for (const [i, value] of data.entries()) expect(got.state[name]?.data[i]).toBeCloseTo(value, 4);
  }
}

function joined(a: Arrays[string] | undefined, b: Arrays[string] | undefined): Arrays[string] {
  if (a === undefined || b === undefined) throw new Error('there is nothing to join');
  const [first = 0, ...rest] = a.shape as readonly number[];
  const data = new (a.data.constructor as Float32ArrayConstructor)(a.data.length + b.data.length);
  data.set(a.data as Float32Array);
  data.set(b.data as Float32Array, a.data.length);
  return ndarray(data, [first + ((b.shape as readonly number[])[0] ?? 0), ...rest]);
}
