// Layers and losses in plain float64, written as their definitions say and not as the graphs do: what gradients are held to.
import { averagePool2d, conv2d, dense, flatten, maxPool2d, relu, type Layer, type Padding } from '@dataref/onnx/graph';

type Pair = readonly [number, number];
interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
}
export type LayerSpec =
  | { readonly is: 'dense'; readonly units: number; readonly bias: boolean }
  | ({ readonly is: 'conv'; readonly filters: number; readonly bias: boolean } & Window)
  | ({ readonly is: 'maxPool' | 'averagePool' } & Window)
  | { readonly is: 'relu' | 'flatten' };

/** An array of rows. */
interface Rows {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
export type Parameters = Readonly<Record<string, Float64Array>>;

export function layerOf(spec: LayerSpec): Layer {
  switch (spec.is) {
    case 'dense':
      return dense(spec.units, { bias: spec.bias });
    case 'conv':
      return conv2d(spec.filters, spec.kernel, { bias: spec.bias, strides: spec.strides, padding: spec.padding });
    case 'maxPool':
      return maxPool2d(spec.kernel, { strides: spec.strides, padding: spec.padding });
    case 'averagePool':
      return averagePool2d(spec.kernel, { strides: spec.strides, padding: spec.padding });
    case 'relu':
      return relu();
    default:
      return flatten();
  }
}

/** How near a ReLU or a pool has come to taking another branch, where float32 may do so. */
export interface Margin {
  smallest: number;
}

/** What a network gives for a batch. */
export function outputOf(specs: readonly LayerSpec[], parameters: Parameters, input: Rows, margin: Margin): Rows {
  const counts: Record<string, number> = {};
  return specs.reduce((x, spec) => {
    counts[spec.is] = (counts[spec.is] ?? 0) + 1;
    const name = `${spec.is}${counts[spec.is]}`;
    const [weight, bias] = [parameters[`${name}.weight`], parameters[`${name}.bias`]];
    if (spec.is === 'dense') return denseOf(x, weight as Float64Array, bias, spec.units);
    if (spec.is === 'conv') return convolved(x, weight as Float64Array, bias, spec);
    if (spec.is === 'maxPool' || spec.is === 'averagePool') return pooled(x, spec, margin);
    if (spec.is === 'relu') {
      narrow(margin, x.data.map(Math.abs));
      return { shape: x.shape, data: x.data.map((value) => Math.max(value, 0)) };
    }
    return { shape: [x.shape[0] as number, x.data.length / (x.shape[0] as number)], data: x.data };
  }, input);
}

function denseOf(x: Rows, weight: Float64Array, bias: Float64Array | undefined, units: number): Rows {
  const [batch, inputs] = x.shape as Pair;
  const data = new Float64Array(batch * units);
  for (let n = 0; n < batch; n++)
    for (let u = 0; u < units; u++) {
      let sum = bias?.[u] ?? 0;
      for (let i = 0; i < inputs; i++) sum += at(x.data, n * inputs + i) * at(weight, u * inputs + i);
      data[n * units + u] = sum;
    }
  return { shape: [batch, units], data };
}

/** For each window: its place, and the places of the image that it covers with their places in the kernel. */
function* windowsOf({ kernel, strides, padding }: Window, height: number, width: number) {
  const count = (size: number, i: 0 | 1): number =>
    padding === 'same' ? Math.ceil(size / strides[i]) : Math.floor((size - kernel[i]) / strides[i]) + 1;
  const [rows, columns] = [count(height, 0), count(width, 1)];
  const before = (size: number, i: 0 | 1): number =>
    padding === 'same' ? Math.floor(Math.max((count(size, i) - 1) * strides[i] + kernel[i] - size, 0) / 2) : 0;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const covered: { image: number; kernel: number }[] = [];
      for (let i = 0; i < kernel[0]; i++)
        for (let j = 0; j < kernel[1]; j++) {
          const [y, x] = [r * strides[0] + i - before(height, 0), c * strides[1] + j - before(width, 1)];
          if (y >= 0 && y < height && x >= 0 && x < width)
            covered.push({ image: y * width + x, kernel: i * kernel[1] + j });
        }
      yield { place: r * columns + c, covered, rows, columns };
    }
}

function convolved(
  x: Rows,
  weight: Float64Array,
  bias: Float64Array | undefined,
  spec: Window & { readonly filters: number },
): Rows {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const windows = [...windowsOf(spec, height, width)];
  const [area, size] = [spec.kernel[0] * spec.kernel[1], height * width];
  const data = new Float64Array(batch * spec.filters * windows.length);
  for (let n = 0; n < batch; n++)
    for (let f = 0; f < spec.filters; f++)
      for (const { place, covered } of windows) {
        let sum = bias?.[f] ?? 0;
        for (let c = 0; c < channels; c++)
          for (const { image, kernel } of covered)
            sum += at(x.data, (n * channels + c) * size + image) * at(weight, (f * channels + c) * area + kernel);
        data[(n * spec.filters + f) * windows.length + place] = sum;
      }
  return { shape: [batch, spec.filters, windows[0]?.rows ?? 0, windows[0]?.columns ?? 0], data };
}

function pooled(x: Rows, spec: Window & { readonly is: 'maxPool' | 'averagePool' }, margin: Margin): Rows {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const windows = [...windowsOf(spec, height, width)];
  const data = new Float64Array(batch * channels * windows.length);
  for (let plane = 0; plane < batch * channels; plane++)
    for (const { place, covered } of windows) {
      const values = covered.map(({ image }) => at(x.data, plane * height * width + image));
      if (spec.is === 'maxPool')
        narrow(
          margin,
          values.map((value) => Math.max(...values) - value),
        );
      data[plane * windows.length + place] =
        spec.is === 'maxPool' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
    }
  return { shape: [batch, channels, windows[0]?.rows ?? 0, windows[0]?.columns ?? 0], data };
}

export function crossEntropyOf(logits: Rows, labels: ArrayLike<number>, mask: ArrayLike<number>): number {
  const [batch, classes] = logits.shape as Pair;
  let [sum, count] = [0, 0];
  for (let n = 0; n < batch; n++) {
    const row = logits.data.subarray(n * classes, (n + 1) * classes);
    const most = Math.max(...row);
    const all = row.reduce((total, value) => total + Math.exp(value - most), 0);
    sum += (mask[n] as number) * (Math.log(all) + most - at(row, labels[n] as number));
    count += mask[n] as number;
  }
  return sum / count;
}

export function squaredErrorOf(output: Rows, targets: ArrayLike<number>, mask: ArrayLike<number>): number {
  const size = output.data.length / (output.shape[0] as number);
  let [sum, count] = [0, 0];
  for (const [i, value] of output.data.entries()) {
    const weight = mask[Math.floor(i / size)] as number;
    sum += weight * (value - (targets[i] as number)) ** 2;
    count += weight;
  }
  return sum / count;
}

/** What is equal to the bit, such as two zeros of a ReLU, is so in float32 too. */
function narrow(margin: Margin, distances: Iterable<number>): void {
  for (const distance of distances) if (distance > 0) margin.smallest = Math.min(margin.smallest, distance);
}

function at(data: Float64Array, i: number): number {
  return data[i] as number;
}
