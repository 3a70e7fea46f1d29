import {
  adam,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  relu,
  reshape,
  sequential,
  softmaxCrossEntropy,
} from '@dataref/onnx/graph';

// Pixels go in as bytes and become 0..1 in the graph, which is faster than in JavaScript.
const input = { name: 'image', dtype: 'uint8', shape: [28, 28], scale: 1 / 255 } as const;
const loss = softmaxCrossEntropy({ labels: 'label', dtype: 'uint8' });

export const models = {
  /** The model of the TensorFlow.js example. */
  mlp: sequential({
    input,
    layers: [flatten(), dense(128), relu(), dense(10)],
    loss,
    optimizer: adam(),
  }),
  cnn: sequential({
    input,
    layers: [
      reshape([1, 28, 28]),
      conv2d(8, 3, { padding: 'same' }),
      relu(),
      maxPool2d(2),
      conv2d(16, 3, { padding: 'same' }),
      relu(),
      maxPool2d(2),
      flatten(),
      dense(10),
    ],
    loss,
    optimizer: adam(),
  }),
};
export type ModelName = keyof typeof models;
