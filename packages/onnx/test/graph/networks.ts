import {
  conv2d,
  dense,
  flatten,
  maxPool2d,
  relu,
  reshape,
  sequential,
  sgd,
  softmaxCrossEntropy,
  type Layer,
  type Optimizer,
  type Sequential,
} from '@dataref/onnx/graph';

export const MLP = [flatten(), dense(128), relu(), dense(10)];
export const CNN = [
  reshape([1, 28, 28]),
  conv2d(8, 3, { padding: 'same' }),
  relu(),
  maxPool2d(2),
  conv2d(16, 3, { padding: 'same' }),
  relu(),
  maxPool2d(2),
  flatten(),
  dense(10),
];

/** A network that reads digits. */
export function digitsNetwork(layers: readonly Layer[], optimizer: Optimizer = sgd({ momentum: 0.9 })): Sequential {
  return sequential({
    input: { name: 'image', dtype: 'uint8', shape: [28, 28], scale: 1 / 255 },
    layers,
    loss: softmaxCrossEntropy({ labels: 'label', mask: 'mask' }),
    optimizer,
  });
}
