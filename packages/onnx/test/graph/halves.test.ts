import { ndarray } from '@dataref/core';
import {
  adam,
  adamW,
  averagePool2d,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
  type Layer,
  type Optimizer,
} from '@dataref/onnx/graph';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { anyNetwork, batchOf, networkOf } from './any-network.js';
import { openHalves, openTraining, type Arrays } from './run.js';

const OPTIMIZERS: Record<string, () => Optimizer> = {
  sgd,
  momentum: () => sgd({ momentum: 0.9 }),
  adam,
  adamW,
};
const NETWORKS: Record<string, readonly Layer[]> = {
  MLP: [flatten(), dense(16), relu(), dense(3)],
  CNN: [
    conv2d(4, 3, { padding: 'same' }),
    relu(),
    maxPool2d(2),
    conv2d(3, 3),
    averagePool2d(2, { strides: 1 }),
    flatten(),
    dense(3),
  ],
};
const ROWS = 6;
const random = randomOf(99);

function networkWith(layers: readonly Layer[], optimizer: Optimizer, mask?: 'mask') {
  const loss = softmaxCrossEntropy({ labels: 'y', mask });
  return sequential({ input: { name: 'x', shape: [2, 8, 8] }, layers, loss, optimizer });
}

function batch(mask: 'mask' | undefined): Arrays {
  return {
    x: ndarray(
      Float32Array.from({ length: ROWS * 128 }, () => random() - 0.5),
      [ROWS, 2, 8, 8],
    ),
    y: ndarray(
      Int32Array.from({ length: ROWS }, () => Math.floor(random() * 3)),
      [ROWS],
    ),
    ...(mask && { mask: ndarray(Float32Array.of(1, 1, 1, 1, 0, 0), [ROWS]) }),
  };
}

describe.each(Object.entries(NETWORKS))('%s', (_network, layers) => {
  describe.each([undefined, 'mask'] as const)('with a mask: %s', (mask) => {
    test.each(Object.entries(OPTIMIZERS))(
      'gradient and update make the step of %s, to the bit',
      async (_name, build) => {
        const network = networkWith(layers, build(), mask);
        const [whole, halves] = [await openTraining(network), await openHalves(network)];
        let state: Arrays = network.initialState(3);
        for (let step = 0; step < 8; step++) {
          const data = batch(mask);
          const expected = await whole(state, 0.05, data);
          expect(await halves(state, 0.05, data)).toEqual(expected);
          state = expected.state;
        }
      },
    );
  });
});

test('gradient and update make the steps of any network, to the bit', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork, fc.constantFrom(...Object.values(OPTIMIZERS)), async (given, build) => {
      const network = networkOf(given, build());
      fc.pre(network !== undefined);
      const [whole, halves] = [await openTraining(network), await openHalves(network)];
      const numbers = randomOf(given.seed);
      let state: Arrays = network.initialState(1);
      for (let step = 0; step < 3; step++) {
        const data = batchOf(given, numbers);
        const expected = await whole(state, 0.05, data);
        expect(await halves(state, 0.05, data)).toEqual(expected);
        state = expected.state;
      }
    }),
    { numRuns: runs(150), seed: announceSeed('halves') },
  );
});

test('the graphs take and give what they are said to', async () => {
  const network = networkWith([flatten(), dense(3)], sgd({ momentum: 0.9 }), 'mask');
  const gradient = await ort.InferenceSession.create(network.gradientGraph);
  expect(gradient.inputNames).toEqual(['x', 'y', 'mask', 'dense1.weight', 'dense1.bias']);
  expect(gradient.outputNames).toEqual(['loss', 'accuracy', 'dense1.weight.grad', 'dense1.bias.grad']);
  const update = await ort.InferenceSession.create(network.updateGraph);
  const state = ['dense1.weight', 'dense1.bias', 'dense1.weight.momentum', 'dense1.bias.momentum'];
  expect(update.inputNames).toEqual([...state, 'dense1.weight.grad', 'dense1.bias.grad', 'lr']);
  expect(update.outputNames).toEqual(state.map((name) => `${name}.out`));
  const shapes = [...gradient.outputMetadata, ...update.inputMetadata].filter(({ name }) => name.endsWith('.grad'));
  expect(shapes.map((value) => value.isTensor && value.shape)).toEqual([[3, 128], [3], [3, 128], [3]]);
  expect(network.gradientGraph).toBe(network.gradientGraph);
  await Promise.all([gradient.release(), update.release()]);
});
