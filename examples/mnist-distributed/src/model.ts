import type { Batch, DataRef } from '@dataref/core';
import * as tf from '@tensorflow/tfjs';

/** Flatten, 64 relu, 10 softmax, and Adam. */
export function makeModel(): { readonly model: tf.LayersModel; readonly optimizer: tf.Optimizer } {
  const kernel = (seed: number) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [28, 28] }),
      tf.layers.dense({ units: 64, activation: 'relu', kernelInitializer: kernel(1) }),
      tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: kernel(2) }),
    ],
  });
  return { model, optimizer: tf.train.adam(0.001) };
}

/** The loss of each digit of a batch. */
export function lossesOf(model: tf.LayersModel, { columns: { image, label } }: Batch): tf.Tensor {
  const truth = tf.oneHot(tf.tensor1d(label.data, 'int32'), 10);
  return tf.metrics.categoricalCrossentropy(truth, model.predict(pixels(image)) as tf.Tensor);
}

/** Share of the held-out digits that the model reads right. */
export async function accuracyOf(model: tf.LayersModel, test: DataRef): Promise<number> {
  let right = 0;
  for await (const { columns } of test.stream().batch(250)) {
    const read = tf.tidy(() => (model.predict(pixels(columns.image)) as tf.Tensor).argMax(1));
    right += Array.from(await read.data()).filter((digit, i) => digit === columns.label.data[i]).length;
    read.dispose();
  }
  return right / test.length;
}

function pixels({ data, shape }: Batch['columns']): tf.Tensor {
  return tf.tensor(data, shape, 'float32').div(255);
}

/** The greatest distance between two weights of the same place. */
export function distance(a: tf.LayersModel, b: tf.LayersModel): number {
  const others = b.getWeights().map((weight) => weight.dataSync());
  return Math.max(...a.getWeights().map((weight, i) => away(weight.dataSync(), others[i] as ArrayLike<number>)));
}

function away(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}
