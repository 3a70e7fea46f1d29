import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { realDigits } from './digits.js';
import { CNN, digitsNetwork, MLP } from './networks.js';
import { openGraph, openTraining, type Arrays } from './run.js';

let digits: (start: number, length: number) => Arrays;
beforeAll(async () => {
  digits = await realDigits(90);
});

describe.each(Object.entries({ MLP, CNN }))('%s', (name, layers) => {
  const network = digitsNetwork(layers);

  test('learns to read real digits that it has not seen', async () => {
    const step = await openTraining(network);
    let state = network.initialState(1);
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) {
      const result = await step(state, 0.05, digits((i * 50) % 700, 50));
      state = result.state;
      losses.push(result.loss);
    }
    expect(losses[0]).toBeGreaterThan(2);
    expect(Math.max(...losses.slice(-5))).toBeLessThan(0.5);

    const { accuracy } = await step(state, 0, digits(700, 200));
    expect(accuracy).toBeGreaterThan(0.8);
    const { logits, probabilities } = await (
      await openGraph(network.inferenceGraph(state))
    )({
      image: digits(700, 200)['image'] as never,
    });
    const right = Array.from({ length: 200 }, (_, row) => bestOf(logits?.data.subarray(row * 10, row * 10 + 10)));
    expect(right.filter((best, row) => best === row % 10).length / 200).toBeCloseTo(accuracy, 6);
    expect(probabilities?.data.subarray(0, 10).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
  });

  test('starts from the same bits for the same seed, and from others for another', () => {
    const hash = (seed: number): string => {
      const sha = createHash('sha256');
      for (const [key, { data }] of Object.entries(network.initialState(seed))) sha.update(key).update(data);
      return sha.digest('hex').slice(0, 16);
    };
    expect(hash(7)).toBe({ MLP: 'f5f05e8c4ee83c08', CNN: '4fa99808a0f6d166' }[name]);
    expect(hash(8)).not.toBe(hash(7));
  });

  test('gives the same outputs with its parameters as inputs and as part of it, but for the last bits', async () => {
    const state = network.initialState(3);
    const image = digits(0, 3)['image'] as never;
    const parameters = Object.fromEntries(network.parameterNames.map((key) => [key, state[key] as never]));
    const apart = await (await openGraph(network.inferenceGraph()))({ image, ...(parameters as Arrays) });
    const whole = await (await openGraph(network.inferenceGraph(state)))({ image });
    expect(Object.keys(whole)).toEqual(['logits', 'probabilities']);
    for (const [key, { data, shape }] of Object.entries(whole)) {
      expect(shape).toEqual([3, 10]);
      for (const [i, value] of data.entries()) expect(value).toBeCloseTo(apart[key]?.data[i] ?? NaN, 5);
    }
  });
});

function bestOf(row: Float32Array | undefined): number {
  return row === undefined ? -1 : row.indexOf(Math.max(...row));
}
