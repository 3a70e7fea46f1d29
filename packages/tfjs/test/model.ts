import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import '@dataref/tfjs';

export const RECORDS = 50;
export const BATCH = 8;
/** Batches of an epoch; the last one is short. */
export const STEPS = Math.ceil(RECORDS / BATCH);

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

export function makeDataset(seed = 777) {
  return digits.stream({ shuffle: true, shuffleSeed: seed }).batch(BATCH).toTfDataset({ columns });
}

export function makeModel(optimizer: tf.Optimizer | string, units = 6): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [3, 4] }),
      tf.layers.dense({ units, activation: 'relu', kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }) }),
      tf.layers.dense({
        units: 4,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
      }),
    ],
  });
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  return model;
}

/** SHA-256 over the bytes of all weights: equal only for weights that are equal to the bit. */
export function weightsHash(model: tf.LayersModel): string {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().slice().buffer));
  return hash.digest('hex');
}
