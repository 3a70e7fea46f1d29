import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { GraphWriter, Value } from './graph-writer.js';
import { initialWeights, ZEROS } from './initial-values.js';
import type { DenseOptions } from './dense.js';
import type { Layer } from './layer.js';
import { initializerOf, LAYER_CURES, nameOf, switchOf } from './options.js';
import { windowsOver, windowSpec, type WindowOptions, type Windows } from './window.js';

/** `strides` defaults to 1, as in tfjs and PyTorch. */
export interface Conv2dOptions extends DenseOptions, WindowOptions {}

const CHANNELS_FIRST = { perm: [1, 0, 2, 3] };

/**
 * Cross-correlation over rows of [channels, height, width], as PyTorch's Conv2d (tfjs has the channels last). Parameters:
 * `NAME.weight` float32 [filters, channels, kernel height, kernel width] and `NAME.bias` float32 [filters].
 * @param filters how many channels its output has
 * @param kernelSize one number, or [height, width]
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows of other dimensions, or smaller than the kernel
 */
export function conv2d(
  filters: number,
  kernelSize: number | readonly [number, number],
  options?: Conv2dOptions,
): Layer {
  const {
    name,
    bias = true,
    initializer = 'glorotUniform',
    strides = 1,
    padding = 'valid',
    ...unknown
  } = optionsOf('conv2d', options);
  refuseUnknown('conv2d', unknown, ['name', 'bias', 'initializer', 'strides', 'padding'], LAYER_CURES);
  countOf('conv2d: filters', filters, 1);
  const spec = windowSpec('conv2d', kernelSize, strides, padding);
  const hasBias = switchOf('conv2d: bias', bias);
  const start = initializerOf('conv2d', initializer);
  return {
    kind: 'conv',
    name: nameOf('conv2d', name),
    bind(layer, input) {
      const windows = windowsOver(layer, input, spec);
      const channels = input[0] as number;
      const area = spec.kernel[0] * spec.kernel[1];
      const weight = `${layer}.weight`;
      const biases = `${layer}.bias`;
      const initial = initialWeights(start, channels * area, filters * area);
      return {
        output: [filters, windows.axes[0].count, windows.axes[1].count],
        parameters: [
          { name: weight, shape: [filters, channels, ...spec.kernel], initial },
          ...(hasBias ? [{ name: biases, shape: [filters], initial: ZEROS }] : []),
        ],
        forward(g, x) {
          return {
            y: g.op('Conv', hasBias ? [x, weight, biases] : [x, weight], windows.attributes),
            backward: (dy) => ({
              parameters: {
                [weight]: weightGradient(g, x, dy, windows),
                ...(hasBias && { [biases]: g.op('ReduceSum', [dy, g.integers([0, 2, 3])], { keepdims: 0 }) }),
              },
              input: () => g.op('ConvTranspose', [dy, weight], windows.transposed),
            }),
          };
        },
      };
    },
  };
}

/**
 * The kernel's gradient is a convolution too, with batch and channels changing places: the output's gradient slides over the
 * image, its elements as far apart as the strides.
 */
function weightGradient(g: GraphWriter, x: Value, dy: Value, { axes, attributes }: Windows): Value {
  const [rows, columns] = axes;
  // What no window has seen would make windows more than the kernel has.
  const ends = axes.map(({ size, unread }) => size - unread);
  const isWhole = axes.every(({ unread }) => unread === 0);
  const seen = isWhole ? x : g.op('Slice', [x, g.integers([0, 0]), g.integers(ends), g.integers([2, 3])]);
  const inputs = [g.op('Transpose', [seen], CHANNELS_FIRST), g.op('Transpose', [dy], CHANNELS_FIRST)];
  const gradient = g.op('Conv', inputs, {
    dilations: attributes['strides'] as readonly number[],
    kernel_shape: [rows.count, columns.count],
    pads: attributes['pads'] as readonly number[],
  });
  return g.op('Transpose', [gradient], CHANNELS_FIRST);
}
