import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Layer } from './layer.js';
import { nameOf, type LayerOptions } from './options.js';

/** max(x, 0) of each element; its gradient at 0 is 0, as in tfjs and PyTorch. */
export function relu(options?: LayerOptions): Layer {
  const { name, ...unknown } = optionsOf('relu', options);
  refuseUnknown('relu', unknown, ['name']);
  return {
    kind: 'relu',
    name: nameOf('relu', name),
    bind: (_layer, input) => ({
      output: input,
      parameters: [],
      forward(g, x) {
        const y = g.op('Relu', [x]);
        return {
          y,
          backward: (dy) => ({
            parameters: {},
            input: () => g.op('Where', [g.op('Greater', [y, g.float(0)]), dy, g.float(0)]),
          }),
        };
      },
    }),
  };
}
