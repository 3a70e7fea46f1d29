import { numberOf } from './options.js';
import { optimizerOptions, type Optimizer } from './optimizer.js';

export interface SgdOptions {
  /** From 0 to below 1; default 0, as in PyTorch (tfjs has an optimizer of its own for it). */
  readonly momentum?: number | undefined;
}

/**
 * Gradient descent, with momentum where it is not 0: v ← momentum · v + gradient, parameter ← parameter − lr · v, as tfjs's
 * momentum and PyTorch's SGD. It keeps v as `P.momentum` of each parameter P.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function sgd(options?: SgdOptions): Optimizer {
  const { momentum = 0 } = optimizerOptions('sgd', options, ['momentum']);
  numberOf('sgd: momentum', momentum, 0, 1);
  const velocity = (name: string): string => `${name}.momentum`;
  return {
    kind: 'sgd',
    state: (parameters) =>
      momentum === 0 ? [] : parameters.map(({ name, shape }) => ({ name: velocity(name), shape })),
    update(g, gradients) {
      for (const [name, gradient] of gradients) {
        const kept = momentum === 0 ? undefined : g.op('Mul', [velocity(name), g.float(momentum)]);
        const step = kept === undefined ? gradient : g.op('Add', [kept, gradient], {}, `${velocity(name)}.out`);
        g.op('Sub', [name, g.op('Mul', [step, 'lr'])], {}, `${name}.out`);
      }
    },
  };
}
