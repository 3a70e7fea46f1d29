import type { DataRef } from '@dataref/core';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import * as tf from '@tensorflow/tfjs';
import { STEPS, STEPS_OF_CHECKPOINT } from './steps.js';

/** Softmax over the pixels, with a seed for the first weights, so that every run begins alike. */
function makeModel(): tf.Sequential {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [28, 28] }),
      tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.005), loss: 'categoricalCrossentropy' });
  return model;
}

/** Trains from the beginning, or from the checkpoint where there is one: it is the same program. */
export async function train(
  ds: DataRef,
  checkpoint: string,
  onStep: (step: number, loss: number) => Promise<void>,
): Promise<void> {
  const model = makeModel();
  const dataset = ds
    .stream({ shuffle: true, shuffleSeed: 777 })
    .batch(32)
    .toTfDataset({
      columns: {
        xs: { column: 'image', dtype: 'float32', scale: 1 / 255 },
        ys: { column: 'label', oneHot: 10 },
      },
    });
  const saved = await loadCheckpoint(checkpoint, { model, dataset });
  const iterator = await dataset.iterator();
  for (let step = saved?.step ?? 0; step < STEPS; step++) {
    const { value: batch } = await iterator.next();
    const loss = (await model.trainOnBatch(batch.xs, batch.ys)) as number;
    tf.dispose(batch);
    if ((step + 1) % STEPS_OF_CHECKPOINT === 0) await saveCheckpoint(checkpoint, { model, state: dataset.state });
    await onStep(step, loss);
  }
}
