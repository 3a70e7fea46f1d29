import * as fc from 'fast-check';
import type { LayerSpec } from './reference.js';

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
