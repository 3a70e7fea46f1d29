import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { initialWeights, ZEROS, type Initializer } from './initial-values.js';
import { refuseRows, type Layer } from './layer.js';
import { initializerOf, LAYER_CURES, nameOf, switchOf, type LayerOptions } from './options.js';

export interface DenseOptions extends LayerOptions {
  /** Whether a bias is added; default true, as in tfjs and PyTorch. */
  readonly bias?: boolean | undefined;
  /** What the weight starts from; default 'glorotUniform', as in tfjs. The bias starts at 0. */
  readonly initializer?: Initializer | undefined;
}

/**
 * y = x Wᵀ + b of rows of one dimension. Parameters, laid out as in PyTorch's Linear: `NAME.weight` float32 [units, inputs]
 * and `NAME.bias` float32 [units].
 * @param units how many numbers a row of its output has
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows that are not of one dimension
 */
export function dense(units: number, options?: DenseOptions): Layer {
  const { name, bias = true, initializer = 'glorotUniform', ...unknown } = optionsOf('dense', options);
  refuseUnknown('dense', unknown, ['name', 'bias', 'initializer'], LAYER_CURES);
  countOf('dense: units', units, 1);
  const hasBias = switchOf('dense: bias', bias);
  const start = initializerOf('dense', initializer);
  return {
    kind: 'dense',
    name: nameOf('dense', name),
    bind(layer, input) {
      if (input.length !== 1) refuseRows(layer, 'rows of one dimension, [inputs]', input, 'put flatten() before it');
      const [inputs] = input as [number];
      const weight = `${layer}.weight`;
      const biases = `${layer}.bias`;
      return {
        output: [units],
        parameters: [
          { name: weight, shape: [units, inputs], initial: initialWeights(start, inputs, units) },
          ...(hasBias ? [{ name: biases, shape: [units], initial: ZEROS }] : []),
        ],
        forward(g, x) {
          return {
            y: g.op('Gemm', hasBias ? [x, weight, biases] : [x, weight], { transB: 1 }),
            backward: (dy) => ({
              parameters: {
                [weight]: g.op('Gemm', [dy, x], { transA: 1 }),
                ...(hasBias && { [biases]: g.op('ReduceSum', [dy, g.integers([0])], { keepdims: 0 }) }),
              },
              input: () => g.op('MatMul', [dy, weight]),
            }),
          };
        },
      };
    },
  };
}
