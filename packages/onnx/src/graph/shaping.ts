import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { GraphWriter, Value } from './graph-writer.js';
import { refuseRows, shown, sizeOf, type Layer, type RowShape } from './layer.js';
import { nameOf, rowShapeOf, type LayerOptions } from './options.js';

/** Rows of one dimension, in C order: as PyTorch's, since channels come first (tfjs has them last). */
export function flatten(options?: LayerOptions): Layer {
  const { name, ...unknown } = optionsOf('flatten', options);
  refuseUnknown('flatten', unknown, ['name']);
  return reshaping('flatten', nameOf('flatten', name), (_layer, input) => [sizeOf(input)]);
}

/**
 * Rows of the same elements in other dimensions.
 * @param shape sizes of one row, without the batch
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows of another number of elements
 */
export function reshape(shape: RowShape, options?: LayerOptions): Layer {
  const { name, ...unknown } = optionsOf('reshape', options);
  refuseUnknown('reshape', unknown, ['name']);
  const to = rowShapeOf('reshape: the shape', shape);
  return reshaping('reshape', nameOf('reshape', name), (layer, input) => {
    if (sizeOf(input) !== sizeOf(to))
      refuseRows(
        layer,
        `rows of ${sizeOf(to)} elements, for ${shown(to)}`,
        input,
        `that is ${sizeOf(input)}; give a shape of as many`,
      );
    return to;
  });
}

function reshaping(
  kind: string,
  name: string | undefined,
  outputOf: (layer: string, input: RowShape) => RowShape,
): Layer {
  return {
    kind,
    name,
    bind(layer, input) {
      const output = outputOf(layer, input);
      return {
        output,
        parameters: [],
        forward: (g, x) => ({
          y: reshaped(g, x, output),
          backward: (dy) => ({ parameters: {}, input: () => reshaped(g, dy, input) }),
        }),
      };
    },
  };
}

/** A zero stands for the dimension as it is: the batch. */
function reshaped(g: GraphWriter, x: Value, rows: RowShape): Value {
  return g.op('Reshape', [x, g.integers([0, ...rows])]);
}
