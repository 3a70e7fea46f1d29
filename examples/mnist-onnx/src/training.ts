import { createHash } from 'node:crypto';
import type { DataRef, Progress } from '@dataref/core';
import { trainingBatches } from '@dataref-examples/mnist/digits';
import { trainingLoop, type TrainingLoop, type TrainingStep } from '@dataref/onnx';
import * as ort from 'onnxruntime-node';
import { models, type ModelName } from './models.js';

/** One thread: on models so small more are no faster, and equal bits need equal numbers of threads. */
export const sessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const;

export type Trained = ReturnType<TrainingLoop['parameters']>;

export interface TrainingOptions {
  readonly name: ModelName;
  readonly train: DataRef;
  readonly epochs: number;
  readonly checkpoint: string;
  readonly everySteps: number;
  readonly onStep?: (step: TrainingStep) => void | Promise<void>;
  readonly onProgress?: (progress: Progress) => void;
}

/** Trains from the beginning, or from the checkpoint where there is one: it is the same program. */
export async function train(options: TrainingOptions): Promise<Trained> {
  const { name, epochs, checkpoint, everySteps, onStep, onProgress } = options;
  const model = models[name];
  const session = await ort.InferenceSession.create(model.trainingGraph, sessionOptions);
  const loop = trainingLoop({
    session,
    ort,
    stream: trainingBatches(options.train), // its columns are called as the inputs are: image and label
    parameters: model.initialState(1),
    learningRate: ({ epoch }) => 0.003 * 0.6 ** epoch,
    epochs,
    checkpoint: {
      path: checkpoint,
      model: model.trainingGraph,
      everySteps,
      intraOpNumThreads: 1,
      signals: ['SIGTERM'],
    },
    onProgress,
  });
  for await (const step of loop) await onStep?.(step);
  await session.release();
  return loop.parameters();
}

/** Share of the held-out digits that the inference graph with these parameters reads right. */
export async function heldOutAccuracy(name: ModelName, trained: Trained, test: DataRef): Promise<number> {
  const session = await ort.InferenceSession.create(models[name].inferenceGraph(trained), sessionOptions);
  const { label } = (await test.read(Array.from({ length: test.length }, (_, i) => i))).columns;
  let seen = 0;
  let right = 0;
  for await (const { feeds, validLength } of test.stream().batch(250).toOrtFeeds({ session, ort })) {
    const { probabilities } = await session.run(feeds);
    const ofRows = (probabilities as ort.Tensor).data as Float32Array;
    for (let row = 0; row < validLength; row++) {
      const ofRow = ofRows.subarray(row * 10, row * 10 + 10);
      if (ofRow.indexOf(Math.max(...ofRow)) === label.data[seen]) right++;
      seen++;
    }
  }
  await session.release();
  return right / seen;
}

/** SHA-256 over the bytes of all parameters and of what the optimizer has gathered: equal only where all is, to the bit. */
export function hashOf(trained: Trained): string {
  const hash = createHash('sha256');
  for (const { data } of Object.values(trained)) hash.update(data);
  return hash.digest('hex');
}
