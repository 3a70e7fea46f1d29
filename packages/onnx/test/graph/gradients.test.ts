import { ndarray } from '@dataref/core';
import { sgd, type Sequential } from '@dataref/onnx/graph';
import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { anyNetwork, batchOf, networkOf, type AnyNetwork } from './any-network.js';
import { crossEntropyOf, outputOf, squaredErrorOf, type Parameters } from './reference.js';
import { openTraining, type State } from './run.js';

/** The step of the differences, and how far from a kink it must stay. */
const H = 1e-6;
const MARGIN = 1e-4;
/** Of a gradient in float32, of the largest one of its parameter. */
const TOLERANCE = 2e-5;

test('gradients are those that central differences of a float64 reference give, for any network, batch and mask', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(anyNetwork, async (given) => {
      const network = networkOf(given, sgd({ momentum: 0.5 }));
      fc.pre(network !== undefined);
      compared += await compare(given, network);
    }),
    { numRuns: runs(150), seed: announceSeed('gradients') },
  );
  expect(compared).toBeGreaterThan(runs(150) * 10);
});

async function compare(given: AnyNetwork, network: Sequential): Promise<number> {
  const { layers, loss, seed } = given;
  const random = randomOf(seed);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => 2 * random() - 1);
  const state: State = Object.fromEntries(
    Object.entries(network.initialState(1)).map(([name, { shape, data }]) => [
      name,
      ndarray(name.endsWith('.momentum') ? data : numbers(data.length), shape),
    ]),
  );
  const data = batchOf(given, random);
  const { x, y, mask } = data;

  const margin = { smallest: Infinity };
  const lossOf = (parameters: Parameters): number => {
    const output = outputOf(layers, parameters, { shape: x.shape, data: Float64Array.from(x.data) }, margin);
    return loss === 'crossEntropy'
      ? crossEntropyOf(output, y.data, mask.data)
      : squaredErrorOf(output, y.data, mask.data);
  };
  const parameters: Record<string, Float64Array> = {};
  for (const name of network.parameterNames) parameters[name] = Float64Array.from(state[name]?.data ?? []);
  const middle = lossOf(parameters);
  fc.pre(margin.smallest > MARGIN);

  const step = await openTraining(network);
  const result = await step(state, 1, data);
  expect(Math.abs(result.loss - middle)).toBeLessThan(TOLERANCE * Math.max(1, middle));

  let compared = 0;
  for (const [name, values] of Object.entries(parameters)) {
    // With the momentum at 0 it becomes the gradient.
    const gradient = result.state[`${name}.momentum`]?.data as Float32Array;
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    for (let i = 0; i < values.length; i += Math.ceil(values.length / 12)) {
      const value = values[i] as number;
      const [below, above] = [-H, H].map((d) => {
        values[i] = value + d;
        return lossOf(parameters);
      }) as [number, number];
      values[i] = value;
      const slope = (above - below) / (2 * H);
      if (Math.abs((gradient[i] as number) - slope) > TOLERANCE * largest)
        throw new Error(`${name}[${i}]: the gradient is ${gradient[i]}, the slope ${slope}`);
      compared++;
    }
  }
  return compared;
}
