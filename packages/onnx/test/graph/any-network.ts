import { isDataRefError, ndarray } from '@dataref/core';
import {
  meanSquaredError,
  sequential,
  softmaxCrossEntropy,
  type Optimizer,
  type Sequential,
} from '@dataref/onnx/graph';
import * as fc from 'fast-check';
import { layerOf, type LayerSpec } from './reference.js';

const size = fc.integer({ min: 1, max: 3 });
const pair = fc.tuple(size, size);
const window = {
  kernel: pair,
  strides: pair,
  padding: fc.constantFrom('same' as const, 'valid' as const),
};
const imageLayer: fc.Arbitrary<LayerSpec> = fc.oneof(
  fc.record({ is: fc.constant('conv' as const), filters: size, bias: fc.boolean(), ...window }),
  fc.record({ is: fc.constantFrom('maxPool' as const, 'averagePool' as const), ...window }),
  fc.record({ is: fc.constant('relu' as const) }),
);

/** What a small network is made of, and the batch that it is tried with. */
export interface AnyNetwork {
  readonly input: readonly [number, number, number];
  readonly layers: readonly LayerSpec[];
  readonly loss: 'crossEntropy' | 'squaredError';
  readonly batch: number;
  readonly seed: number;
}

/** Layers of images in any order, then dense ones; a convolution first, so that gradients go through all that follows. */
export const anyNetwork: fc.Arbitrary<AnyNetwork> = fc.record({
  input: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 })),
  layers: fc
    .tuple(
      fc.record({ is: fc.constant('conv' as const), filters: size, bias: fc.boolean(), ...window }),
      fc.array(imageLayer, { maxLength: 3 }),
      fc.boolean(),
      fc.integer({ min: 2, max: 4 }),
      fc.boolean(),
    )
    .map(([first, images, hasHidden, units, bias]): LayerSpec[] => [
      first,
      ...images,
      { is: 'flatten' },
      ...(hasHidden ? ([{ is: 'dense', units: 5, bias }, { is: 'relu' }] as const) : []),
      { is: 'dense', units, bias },
    ]),
  loss: fc.constantFrom('crossEntropy', 'squaredError'),
  batch: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
});

/** Undefined where the images have become smaller than a window. */
export function networkOf({ input, layers, loss }: AnyNetwork, optimizer: Optimizer): Sequential | undefined {
  try {
    return sequential({
      input: { name: 'x', shape: input },
      layers: layers.map(layerOf),
      loss:
        loss === 'crossEntropy'
          ? softmaxCrossEntropy({ labels: 'y', mask: 'mask' })
          : meanSquaredError({ targets: 'y', mask: 'mask' }),
      optimizer,
    });
  } catch (error) {
    if (isDataRefError(error, 'INVALID_ARGUMENT') && error.message.includes('images of at least')) return undefined;
    throw error;
  }
}

/** A batch of it, whose first row is real. */
export function batchOf({ input, layers, loss, batch }: AnyNetwork, random: () => number) {
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => 2 * random() - 1);
  const outputs = (layers.at(-1) as { units: number }).units;
  const labels = (): Int32Array => Int32Array.from({ length: batch }, () => Math.floor(random() * outputs));
  return {
    x: ndarray(numbers(batch * input[0] * input[1] * input[2]), [batch, ...input]),
    y: loss === 'crossEntropy' ? ndarray(labels(), [batch]) : ndarray(numbers(batch * outputs), [batch, outputs]),
    mask: ndarray(
      Float32Array.from({ length: batch }, (_, i) => (i === 0 || random() < 0.7 ? 1 : 0)),
      [batch],
    ),
  };
}
