// Data of onnx.mjs, and its streams; the default export is made in a worker thread there.
import { field, fromColumns, ndarray } from '@dataref/core';

export const BATCH = 64;
export const RECORDS = Number(process.env.DATAREF_ONNX_RECORDS ?? 6_400);

export const pixels = Uint8Array.from({ length: RECORDS * 784 }, (_, i) => (i * 2_654_435_761) >>> 24);
export const labels = Int32Array.from({ length: RECORDS }, (_, i) => i % 10);
const digits = fromColumns({ x: ndarray(pixels, [RECORDS, 784]), y: labels });

export const records = () => digits.stream({ shuffle: true, shuffleSeed: 1 });
export const batches = () => records().batch(BATCH, { remainder: 'drop' });

/** Noise on each pixel: with making the records, about as much work for a batch as a training step. */
function augment({ x, y }, { random }) {
  const data = new Float32Array(784);
  const shift = random();
  for (let i = 0; i < 784; i++) data[i] = x.data[i] / 255 + 0.01 * shift * (i % 28);
  return { x: ndarray(data, [784]), y };
}
export default () =>
  records()
    .map(augment, { schema: { x: field('float32', [784]), y: field('int32') } })
    .batch(BATCH, { remainder: 'drop' });
