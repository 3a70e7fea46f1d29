import * as tf from '@tensorflow/tfjs';

/** The values of every element of one iteration, as plain arrays in the element's structure; the tensors are disposed. */
export async function values(dataset: tf.data.Dataset<any>): Promise<any[]> {
  const seen: unknown[] = [];
  await dataset.forEachAsync((element: tf.TensorContainer) => {
    seen.push(plain(element));
    tf.dispose(element);
  });
  return seen;
}

export function plain(value: unknown): unknown {
  if (value instanceof tf.Tensor) return value.arraySync();
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, plain(item)]));
}
