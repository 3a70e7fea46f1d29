import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Value } from './graph-writer.js';
import type { BoundLayer, Layer, RowShape } from './layer.js';
import { nameOf, type LayerOptions } from './options.js';
import { windowSizes, windowsOver, windowSpec, type WindowOptions, type Windows } from './window.js';

/** `strides` defaults to the window's size, as in tfjs and PyTorch. */
export interface PoolOptions extends LayerOptions, WindowOptions {}

type PoolSize = number | readonly [number, number];

/**
 * The largest element of each window of rows of [channels, height, width]. The gradient goes to the first of the largest
 * elements, as in PyTorch.
 * @param poolSize one number, or [height, width]
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows of other dimensions, or smaller than the window
 */
export function maxPool2d(poolSize: PoolSize, options?: PoolOptions): Layer {
  return pool('maxPool2d', 'maxPool', poolSize, options, maxPooling);
}

/**
 * The mean of each window of rows of [channels, height, width]; padding is not counted, as in tfjs (PyTorch:
 * count_include_pad=False).
 * @param poolSize one number, or [height, width]
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows of other dimensions, or smaller than the window
 */
export function averagePool2d(poolSize: PoolSize, options?: PoolOptions): Layer {
  return pool('averagePool2d', 'averagePool', poolSize, options, averagePooling);
}

type Pooling = (input: RowShape, windows: Windows) => BoundLayer['forward'];

function pool(what: string, kind: string, size: PoolSize, options: PoolOptions | undefined, pooling: Pooling): Layer {
  const { name, strides = size, padding = 'valid', ...unknown } = optionsOf(what, options);
  refuseUnknown(what, unknown, ['name', 'strides', 'padding']);
  const spec = windowSpec(what, size, strides, padding);
  return {
    kind,
    name: nameOf(what, name),
    bind(layer, input) {
      const windows = windowsOver(layer, input, spec);
      const [rows, columns] = windows.axes;
      return {
        output: [input[0] as number, rows.count, columns.count],
        parameters: [],
        forward: pooling(input, windows),
      };
    },
  };
}

const maxPooling: Pooling = (_input, { attributes, overlap }) => {
  return (g, x) => {
    const [y, places] = g.pair('MaxPool', [x], attributes);
    return {
      y,
      backward: (dy) => ({
        parameters: {},
        input: () => {
          // Of a window of NaNs a runtime may give a place before the first, where MaxUnpool must not write.
          const inside = g.op('Max', [places, g.integers(0)]);
          const shape = g.op('Shape', [x]);
          if (!overlap) return g.op('MaxUnpool', [dy, inside, shape], attributes);
          // MaxUnpool would keep one of the gradients where windows share their largest element; they add up.
          const zeros = g.op('ConstantOfShape', [g.op('Reshape', [g.op('Size', [x]), g.integers([1])])]);
          const flat = (value: Value): Value => g.op('Reshape', [value, g.integers([-1])]);
          const sums = g.op('ScatterElements', [zeros, flat(inside), flat(dy)], { axis: 0, reduction: 'add' });
          return g.op('Reshape', [sums, shape]);
        },
      }),
    };
  };
};

const averagePooling: Pooling = ([channels, height, width], windows) => {
  const [rows, columns] = windows.axes;
  return (g, x) => ({
    y: g.op('AveragePool', [x], windows.attributes),
    backward: (dy) => ({
      parameters: {},
      input: () => {
        const shares = windowSizes(windows).map((count) => 1 / count);
        const share = g.op('Mul', [dy, g.float(shares, [rows.count, columns.count])]);
        // One channel at a time, each element of a window gets the window's share.
        const planes = g.op('Reshape', [share, g.integers([-1, 1, rows.count, columns.count])]);
        const kernel = [1, 1, rows.kernel, columns.kernel];
        const ones = g.float(new Float32Array(rows.kernel * columns.kernel).fill(1), kernel);
        const spread = g.op('ConvTranspose', [planes, ones], windows.transposed);
        return g.op('Reshape', [spread, g.integers([-1, channels as number, height as number, width as number])]);
      },
    }),
  });
};
