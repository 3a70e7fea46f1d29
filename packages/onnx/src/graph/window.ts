import type { Attributes } from './graph-writer.js';
import { refuseRows, type RowShape } from './layer.js';
import { oneOf, pairOf } from './options.js';

/**
 * 'valid': only windows that lie inside, ⌊(size − kernel) / stride⌋ + 1 of them. 'same': ⌈size / stride⌉ windows, over zeros
 * around the image, of which the end has one more where their number is odd (as in TensorFlow; SAME_UPPER of ONNX).
 */
export type Padding = 'valid' | 'same';

export interface WindowOptions {
  /** One number, or [height, width]. */
  readonly strides?: number | readonly [number, number] | undefined;
  /** Default 'valid', as in tfjs (PyTorch: padding 0). */
  readonly padding?: Padding | undefined;
}

/** Windows over one dimension. */
interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  /** Padding. */
  readonly before: number;
  readonly after: number;
  /** How many windows. */
  readonly count: number;
  /** How much at the end, padding included, no window reaches. */
  readonly unread: number;
}

/** Windows over images: the sizes and strides that convolution and pooling have in common. */
export interface Windows {
  readonly axes: readonly [Axis, Axis];
  /** For Conv and the pools. */
  readonly attributes: Attributes;
  /** For the ConvTranspose that goes back from windows to the image. */
  readonly transposed: Attributes;
  readonly overlap: boolean;
}

/** What a layer says about its windows. */
export interface WindowSpec {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

export function windowSpec(what: string, kernel: unknown, strides: unknown, padding: unknown): WindowSpec {
  return {
    kernel: pairOf(`${what}: the window`, kernel),
    strides: pairOf(`${what}: strides`, strides),
    padding: oneOf(`${what}: padding`, padding, ['valid', 'same']),
  };
}

/** The windows over rows of [channels, height, width]. @throws DataRefError INVALID_ARGUMENT naming the layer */
export function windowsOver(layer: string, input: RowShape, { kernel, strides, padding }: WindowSpec): Windows {
  if (input.length !== 3)
    refuseRows(
      layer,
      'rows of three dimensions, [channels, height, width]',
      input,
      input.length === 2
        ? `put reshape([1, ${input.join(', ')}]) before it`
        : 'put reshape([channels, height, width]) before it',
    );
  const axis = (i: 0 | 1): Axis => axisOf(input[i + 1] as number, kernel[i], strides[i], padding);
  const axes = [axis(0), axis(1)] as const;
  if (axes.some(({ count }) => count < 1))
    refuseRows(
      layer,
      `images of at least its window, [${kernel.join(', ')}]`,
      input,
      `make the window smaller, or the padding 'same'. Images are [channels, height, width]: where the channels come last, transpose them before they are stored, or with map`,
    );
  const [rows, columns] = axes;
  const attributes = {
    kernel_shape: kernel,
    pads: [rows.before, columns.before, rows.after, columns.after],
    strides,
  };
  return {
    axes,
    attributes,
    transposed: { ...attributes, output_padding: [rows.unread, columns.unread] },
    overlap: axes.some((a) => a.stride < a.kernel),
  };
}

function axisOf(size: number, kernel: number, stride: number, padding: Padding): Axis {
  const count = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
  const reach = (count - 1) * stride + kernel;
  const padded = padding === 'same' ? Math.max(reach - size, 0) : 0;
  const before = Math.floor(padded / 2);
  return { size, kernel, stride, before, after: padded - before, count, unread: size + padded - reach };
}

/** How many elements of the image each window has, in C order. */
export function windowSizes({ axes }: Windows): Float32Array {
  const [rows, columns] = axes.map(({ size, kernel, stride, before, count }) =>
    Array.from({ length: count }, (_, i) => {
      const start = i * stride - before;
      return Math.min(start + kernel, size) - Math.max(start, 0);
    }),
  ) as [number[], number[]];
  return Float32Array.from(rows.flatMap((height) => columns.map((width) => height * width)));
}
