import * as tf from '@tensorflow/tfjs';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import '@dataref/tfjs';

export const RECORDS = 50;

/** Fifty small images, whose class can be seen in them. */
export const digits: DataRef = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: RECORDS * 12 }, (_, i) => (i * 37 + (Math.floor(i / 12) % 4) * 60) % 256),
    [RECORDS, 3, 4],
  ),
  label: Uint8Array.from({ length: RECORDS }, (_, i) => i % 4),
});

export const columns = {
  xs: { column: 'image', dtype: 'float32', scale: 1 / 255 },
  ys: { column: 'label', oneHot: 4 },
} as const;

/** @param seed of the first weights */
export function makeModel(seed = 1): tf.Sequential {
  const kernelInitializer = tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [3, 4] }),
      tf.layers.dense({ units: 6, activation: 'relu', kernelInitializer }),
      tf.layers.dense({ units: 4, activation: 'softmax', kernelInitializer }),
    ],
  });
}

export interface Element {
  readonly xs: tf.Tensor;
  readonly ys: tf.Tensor;
}

/** The loss of each row. */
export const lossOf =
  (model: tf.LayersModel) =>
  ({ xs, ys }: Element): tf.Tensor =>
    tf.metrics.categoricalCrossentropy(ys, model.predict(xs) as tf.Tensor);

export function weightsOf(model: tf.LayersModel): number[] {
  return model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
}
