import type * as Tf from '@tensorflow/tfjs';

/** A function of the user's over an element's tensors. */
export interface TensorMap {
  readonly fn: (value: any) => Tf.TensorContainer | Promise<Tf.TensorContainer>;
  readonly isAsync: boolean;
}

/** Runs a map as tf.data does: a synchronous one in tf.tidy; then what was given and is not in the result is disposed. */
export async function mapTensors(
  tf: typeof Tf,
  { fn, isAsync }: TensorMap,
  value: Tf.TensorContainer,
): Promise<Tf.TensorContainer> {
  const given = tf.tensor_util.getTensorsInContainer(value);
  let mapped: Tf.TensorContainer;
  try {
    mapped = isAsync ? await fn(value) : tf.tidy(() => fn(value) as Tf.TensorContainer);
  } catch (error) {
    tf.dispose(given);
    throw error;
  }
  const kept = new Set(tf.tensor_util.getTensorsInContainer(mapped));
  tf.dispose(given.filter((tensor) => !kept.has(tensor)));
  return mapped;
}
