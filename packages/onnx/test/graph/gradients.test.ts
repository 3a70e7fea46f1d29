import { isDataRefError, ndarray } from '@dataref/core';
import { meanSquaredError, sequential, sgd, softmaxCrossEntropy, type Sequential } from '@dataref/onnx/graph';
import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { anyNetwork, type AnyNetwork } from './any-network.js';
import { crossEntropyOf, layerOf, outputOf, squaredErrorOf, type Parameters } from './reference.js';
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
      const network = networkOf(given);
      fc.pre(network !== undefined);
      compared += await compare(given, network);
    }),
    { numRuns: runs(150), seed: announceSeed('gradients') },
  );
  expect(compared).toBeGreaterThan(runs(150) * 10);
});

/** Undefined where the images have become smaller than a window. */
function networkOf({ input, layers, loss }: AnyNetwork): Sequential | undefined {
  try {
    return sequential({
      input: { name: 'x', shape: input },
      layers: layers.map(layerOf),
      loss:
        loss === 'crossEntropy'
          ? softmaxCrossEntropy({ labels: 'y', mask: 'mask' })
          : meanSquaredError({ targets: 'y', mask: 'mask' }),
      optimizer: sgd({ momentum: 0.5 }),
    });
  } catch (error) {
    if (isDataRefError(error, 'INVALID_ARGUMENT') && error.message.includes('images of at least')) return undefined;
    throw error;
  }
}

async function compare({ input, layers, loss, batch, seed }: AnyNetwork, network: Sequential): Promise<number> {
  const random = randomOf(seed);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => 2 * random() - 1);
  const state: State = Object.fromEntries(
    Object.entries(network.initialState(1)).map(([name, { shape, data }]) => [
      name,
      ndarray(name.endsWith('.momentum') ? data : numbers(data.length), shape),
    ]),
  );
  const outputs = (layers.at(-1) as { units: number }).units;
  const x = ndarray(numbers(batch * input[0] * input[1] * input[2]), [batch, ...input]);
  const y =
    loss === 'crossEntropy'
      ? ndarray(
          Int32Array.from({ length: batch }, () => Math.floor(random() * outputs)),
          [batch],
        )
      : ndarray(numbers(batch * outputs), [batch, outputs]);
  const mask = Float32Array.from({ length: batch }, (_, i) => (i === 0 || random() < 0.7 ? 1 : 0));

  const margin = { smallest: Infinity };
  const lossOf = (parameters: Parameters): number => {
    const output = outputOf(layers, parameters, { shape: x.shape, data: Float64Array.from(x.data) }, margin);
    return loss === 'crossEntropy' ? crossEntropyOf(output, y.data, mask) : squaredErrorOf(output, y.data, mask);
  };
  const parameters: Record<string, Float64Array> = {};
  for (const name of network.parameterNames) parameters[name] = Float64Array.from(state[name]?.data ?? []);
  const middle = lossOf(parameters);
  fc.pre(margin.smallest > MARGIN);

  const step = await openTraining(network);
  const result = await step(state, 1, { x, y, mask: ndarray(mask, [batch]) });
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
