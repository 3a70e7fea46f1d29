// The networks whose graphs Python checks: an MLP of real digits with each optimizer and loss, a CNN, and a small network for
// each layer in each of its ways. `spec` says to Python what the layers are.
import {
  adam,
  adamW,
  averagePool2d,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  meanSquaredError,
  relu,
  reshape,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from '@dataref/onnx/graph';

const OPTIMIZERS = {
  sgd: { build: sgd, options: {}, lr: 0.1 },
  momentum: { build: sgd, options: { momentum: 0.9 }, lr: 0.05 },
  adam: { build: adam, options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, lr: 0.001 },
  adamW: { build: adamW, options: { beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 }, lr: 0.001 },
};
const LOSSES = {
  crossEntropy: softmaxCrossEntropy({ labels: 'y', mask: 'mask' }),
  squaredError: meanSquaredError({ targets: 'y', mask: 'mask' }),
};
const IMAGE = { name: 'x', dtype: 'uint8', shape: [28, 28], scale: 1 / 255 };

/** Each optimizer over the MLP, with each loss. */
export const mlps = Object.entries(OPTIMIZERS).flatMap(([optimizer, { build, options, lr }]) =>
  Object.entries(LOSSES).map(([loss, lossLayer]) => ({
    name: `mlp-${optimizer}-${loss}`,
    spec: { optimizer, options, lr, loss },
    network: sequential({
      input: IMAGE,
      layers: [flatten(), dense(128), relu(), dense(10)],
      loss: lossLayer,
      optimizer: build(options),
    }),
  })),
);

/** Graphs that are only checked. */
export const cnns = Object.entries(OPTIMIZERS).map(([optimizer, { build, options }]) => ({
  name: `cnn-${optimizer}`,
  network: sequential({
    input: IMAGE,
    layers: [
      reshape([1, 28, 28]),
      conv2d(8, 3, { padding: 'same' }),
      relu(),
      maxPool2d(2),
      conv2d(16, 3, { strides: 2 }),
      averagePool2d(3, { strides: 2, padding: 'same' }),
      flatten(),
      dense(10),
    ],
    loss: softmaxCrossEntropy({ labels: 'y', dtype: 'int64' }),
    optimizer: build(options),
    batchSize: 32,
  }),
}));

const windowed = (is, size, strides, padding, more = {}) => ({ is, kernel: size, strides, padding, ...more });
const LAYERS = [
  { is: 'dense', units: 4, bias: true },
  { is: 'dense', units: 4, bias: false },
  { is: 'relu' },
  { is: 'flatten' },
  ...['valid', 'same'].flatMap((padding) =>
    [
      [
        [3, 3],
        [1, 1],
      ],
      [
        [3, 3],
        [2, 2],
      ],
      [
        [2, 3],
        [3, 1],
      ],
      [
        [1, 2],
        [2, 3],
      ],
      [
        [2, 2],
        [2, 2],
      ],
    ].flatMap(([size, strides]) => [
      windowed('conv', size, strides, padding, { filters: 3, bias: strides[0] > 1 }),
      windowed('maxPool', size, strides, padding),
      windowed('averagePool', size, strides, padding),
    ]),
  ),
];
const LABELS = [
  { is: 'crossEntropy', dtype: 'int32', mask: true },
  { is: 'crossEntropy', dtype: 'int64', mask: false },
  { is: 'crossEntropy', dtype: 'uint8', mask: true },
  { is: 'squaredError', dtype: 'float32', mask: true },
  { is: 'squaredError', dtype: 'float32', mask: false },
];
export const ROW = [2, 7, 8];

/** Each layer after a convolution, through whose parameters its gradient by its input shows. */
export const layers = [
  ...LAYERS.map((layer) => ({ layer, loss: LABELS[0] })),
  ...LABELS.slice(1).map((loss) => ({ layer: { is: 'relu' }, loss })),
].map(({ layer, loss }, i) => {
  const spec = [
    windowed('conv', [2, 2], [1, 1], 'valid', { filters: 2, bias: true }),
    ...(layer.is === 'dense' ? [{ is: 'flatten' }] : []),
    layer,
    ...(layer.is === 'dense' || layer.is === 'flatten' ? [] : [{ is: 'flatten' }]),
    { is: 'dense', units: 3, bias: true },
  ];
  return {
    name: `layer-${i}-${layer.is}`,
    spec: { layers: spec, loss },
    network: sequential({
      input: { name: 'x', shape: ROW },
      layers: spec.map(built),
      loss: lossOf(loss),
      optimizer: sgd({ momentum: 0.5 }),
    }),
  };
});

function built({ is, units, filters, kernel, strides, padding, bias }) {
  if (is === 'dense') return dense(units, { bias });
  if (is === 'conv') return conv2d(filters, kernel, { strides, padding, bias });
  if (is === 'maxPool') return maxPool2d(kernel, { strides, padding });
  if (is === 'averagePool') return averagePool2d(kernel, { strides, padding });
  return is === 'relu' ? relu() : flatten();
}

function lossOf({ is, dtype, mask }) {
  const given = { dtype, ...(mask && { mask: 'mask' }) };
  return is === 'crossEntropy'
    ? softmaxCrossEntropy({ labels: 'y', ...given })
    : meanSquaredError({ targets: 'y', ...given });
}
