import { ndarray } from '@dataref/core';
import {
  averagePool2d,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  meanSquaredError,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from '@dataref/onnx/graph';
import { describe, expect, test } from '@jest/globals';
import { openGraph, openTraining } from './run.js';

const classifier = sequential({
  input: { name: 'x', shape: [4] },
  layers: [dense(3)],
  loss: softmaxCrossEntropy({ labels: 'y', mask: 'mask' }),
  optimizer: sgd(),
});

test.each([3, -1, -3, 1_000_000])('the label %i, which is no class, makes the run fail', async (label) => {
  const step = await openTraining(classifier);
  const data = { x: ndarray(new Float32Array(8), [2, 4]), mask: ndarray(Float32Array.of(1, 1), [2]) };
  await expect(
    step(classifier.initialState(1), 0.1, { ...data, y: ndarray(Int32Array.of(0, label), [2]) }),
  ).rejects.toThrow('/loss/GatherElements');
  await step(classifier.initialState(1), 0.1, { ...data, y: ndarray(Int32Array.of(0, 2), [2]) });
});

describe.each([1, 2, 3])('max pooling over windows at a distance of %i', (strides) => {
  test('of NaNs gives a loss of NaN, and no failure', async () => {
    const network = sequential({
      input: { name: 'x', shape: [2, 7, 7] },
      layers: [conv2d(3, 1), maxPool2d(2, { strides, padding: 'same' }), averagePool2d(2), flatten(), dense(2)],
      loss: softmaxCrossEntropy({ labels: 'y' }),
      optimizer: sgd(),
    });
    const step = await openTraining(network);
    const { loss, state } = await step(network.initialState(1), 0.1, {
      x: ndarray(new Float32Array(3 * 98).fill(NaN), [3, 2, 7, 7]),
      y: ndarray(new Int32Array(3), [3]),
    });
    expect(loss).toBeNaN();
    expect(state['dense1.weight']?.data[0]).toBeNaN();
  });
});

test('regression casts and scales, takes targets of a shape of their own, and a batch of a fixed size no other', async () => {
  const network = sequential({
    input: { name: 'x', dtype: 'float64', shape: [2], scale: 0.5 },
    layers: [dense(1)],
    loss: meanSquaredError({ targets: 'y', dtype: 'uint8', shape: [] }),
    optimizer: sgd(),
    batchSize: 2,
  });
  const state = {
    'dense1.weight': ndarray(Float32Array.of(1, 2), [1, 2]),
    'dense1.bias': ndarray(Float32Array.of(3), [1]),
  };
  const data = { x: ndarray(Float64Array.of(2, 4, 6, 8), [2, 2]), y: ndarray(Uint8Array.of(9, 10), [2]) };
  // 1 + 4 + 3 = 8 of 9, and 3 + 8 + 3 = 14 of 10.
  const { loss, state: next } = await (await openTraining(network))(state, 0.1, data);
  expect(loss).toBeCloseTo((1 + 16) / 2, 6);
  expect(next['dense1.bias']?.data[0]).toBeCloseTo(3 - 0.1 * (-1 + 4), 6);
  const { output } = await (await openGraph(network.inferenceGraph(next)))({ x: data.x });
  expect(output?.shape).toEqual([2, 1]);
  await expect(
    (await openGraph(network.inferenceGraph(next)))({ x: ndarray(new Float64Array(6), [3, 2]) }),
  ).rejects.toThrow('invalid dimensions');
});
