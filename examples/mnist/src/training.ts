import { createHash } from 'node:crypto';
import type { DataRef } from '@dataref/core';
import { checkpoints, loadCheckpoint } from '@dataref/tfjs';
import * as tf from '@tensorflow/tfjs';
import { trainingBatches } from './digits.js';

/** Flatten, 128 relu, 10 softmax, Adam: with seeds for the first weights, so that every run begins alike. */
export function makeModel(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [28, 28] }),
      tf.layers.dense({
        units: 128,
        activation: 'relu',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      }),
      tf.layers.dense({
        units: 10,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
      }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.001), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

const columns = {
  xs: { column: 'image', dtype: 'float32', scale: 1 / 255 },
  ys: { column: 'label', dtype: 'float32', oneHot: 10 },
} as const;

export interface StepReport {
  readonly epoch: number;
  readonly batch: number;
  readonly loss: number;
  readonly accuracy: number;
}

export interface TrainingOptions {
  readonly train: DataRef;
  readonly epochs: number;
  readonly checkpoint: string;
  readonly everyBatches: number;
  /** Records of the first epoch to leave out. */
  readonly startOffset?: number;
  readonly onResume?: (epoch: number) => void;
  readonly onStep?: (report: StepReport) => void | Promise<void>;
}

/** Trains from the beginning, or from the checkpoint where there is one: it is the same program. */
export async function train(options: TrainingOptions): Promise<tf.Sequential> {
  const { epochs, checkpoint, everyBatches, startOffset = 0, onStep } = options;
  const model = makeModel();
  const dataset = trainingBatches(options.train, startOffset).toTfDataset({ columns });
  const saved = await loadCheckpoint(checkpoint, { model, dataset });
  if (saved !== undefined) options.onResume?.(saved.epoch);
  let epoch = 0;
  const report: tf.CustomCallbackArgs = {
    onEpochBegin: async (number) => void (epoch = number),
    onBatchEnd: async (batch, logs) => {
      await onStep?.({ epoch, batch, loss: logs?.['loss'] ?? NaN, accuracy: logs?.['acc'] ?? NaN });
    },
  };
  await model.fitDataset(dataset, {
    epochs,
    initialEpoch: saved?.epoch ?? 0,
    verbose: 0, // onStep shows more
    callbacks: [checkpoints(checkpoint, { model, dataset }, { everyBatches }), report],
  });
  return model;
}

/** Share of the held-out digits that the model reads right. */
export async function heldOutAccuracy(model: tf.Sequential, test: DataRef): Promise<number> {
  const dataset = test.stream().batch(250).toTfDataset({ columns });
  const [, accuracy] = (await model.evaluateDataset(dataset, {})) as tf.Scalar[];
  return (await (accuracy as tf.Scalar).data())[0] as number;
}

/** SHA-256 over the bytes of all weights: equal only for weights that are equal to the bit. */
export function weightsHash(model: tf.Sequential): string {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().slice().buffer));
  return hash.digest('hex');
}
