import { createHash } from 'node:crypto';
import type { DataRef } from '@dataref/core';
import type { TokenDataset, WindowSchema } from '@dataref/text';
import { checkpoints, loadCheckpoint } from '@dataref/tfjs';
import type * as tf from '@tensorflow/tfjs';
import { makeModel } from './transformer.js';
import { SEQUENCE_LENGTH, trainingBatches } from './whale.js';

// The loss takes classes as floats.
const columns = { xs: 'inputs', ys: { column: 'labels', dtype: 'float32' } } as const;
const EVERY_BATCHES = 20;

export interface TrainingOptions {
  readonly tokens: TokenDataset;
  readonly epochs: number;
  /** Batches of an epoch. */
  readonly steps: number;
  readonly checkpoint: string;
  readonly onResume?: (epoch: number) => void;
  readonly onStep?: (step: {
    readonly epoch: number;
    readonly batch: number;
    readonly loss: number;
  }) => void | Promise<void>;
}

/** Trains from the beginning, or from the checkpoint where there is one: it is the same program. */
export async function train({ tokens, epochs, steps, checkpoint, onResume, onStep }: TrainingOptions) {
  const windows = await tokens.dataset('train', { sequenceLength: SEQUENCE_LENGTH });
  const model = makeModel(tokens.config.tokenizer.vocabSize);
  const dataset = trainingBatches(windows, steps).toTfDataset({ columns });
  const saved = await loadCheckpoint(checkpoint, { model, dataset });
  if (saved !== undefined) onResume?.(saved.epoch);
  let epoch = 0;
  const report: tf.CustomCallbackArgs = {
    onEpochBegin: async (number) => void (epoch = number),
    onBatchEnd: async (batch, logs) => onStep?.({ epoch, batch, loss: logs?.['loss'] ?? NaN }),
  };
  await model.fitDataset(dataset, {
    epochs,
    initialEpoch: saved?.epoch ?? 0,
    verbose: 0,
    callbacks: [checkpoints(checkpoint, { model, dataset }, { everyBatches: EVERY_BATCHES }), report],
  });
  return model;
}

/** How many tokens the model is torn between on average: e to the mean loss. */
export async function perplexity(model: tf.LayersModel, windows: DataRef<WindowSchema<'int32'>>): Promise<number> {
  const dataset = windows.stream().batch(32, { remainder: 'drop' }).take(10).toTfDataset({ columns });
  const loss = (await model.evaluateDataset(dataset, {})) as tf.Scalar;
  return Math.exp((await loss.data())[0] as number);
}

/** SHA-256 over the bytes of all weights: equal only for weights that are equal to the bit. */
export function weightsHash(model: tf.LayersModel): string {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().slice().buffer));
  return hash.digest('hex');
}
