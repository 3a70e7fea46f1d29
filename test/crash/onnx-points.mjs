// What the ranks of onnx-rank.mjs train, and one process in its test.
import { fromColumns, ndarray } from '@dataref/core';
import { adam, conv2d, dense, flatten, maxPool2d, relu, sequential, softmaxCrossEntropy } from '@dataref/onnx/graph';

const RECORDS = 50;
/** With a last batch of one record, of which most ranks have none. */
export const BATCH = 7;
export const STREAM = { shuffle: true, shuffleSeed: 5 };
export const threads = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' };
export const rateAt = (step) => 0.01 / (1 + step / 100);

export const points = fromColumns({
  x: ndarray(
    Float32Array.from({ length: RECORDS * 36 }, (_, i) => Math.sin(i * 12.9898)),
    [RECORDS, 1, 6, 6],
  ),
  y: Uint8Array.from({ length: RECORDS }, (_, i) => (i * i) % 4),
});
export const network = sequential({
  input: { name: 'x', shape: [1, 6, 6] },
  layers: [conv2d(4, 3, { padding: 'same' }), relu(), maxPool2d(2), flatten(), dense(4)],
  loss: softmaxCrossEntropy({ labels: 'y', dtype: 'uint8', mask: 'mask' }),
  optimizer: adam(),
});
