import * as ort from 'onnxruntime-node';
import { fromColumns, ndarray } from '@dataref/core';
import { conv2d, dense, flatten, maxPool2d, relu, sequential, sgd, softmaxCrossEntropy } from '@dataref/onnx/graph';
import { trainingLoop, type TrainingLoop, type TrainingOptions, type TrainingStep } from '@dataref/onnx/pure';
import { randomOf } from '../../../core/test/scale.js';

export const RECORDS = 50;
export const BATCH = 8;
/** With a short last batch. */
export const STEPS_AN_EPOCH = 7;

const random = randomOf(4711);
const pixels = Float32Array.from({ length: RECORDS * 64 }, () => random() - 0.5);
/** Images of 8 × 8, whose class is the brightest of three of their pixels. */
export const points = fromColumns({
  x: ndarray(pixels, [RECORDS, 1, 8, 8]),
  y: Int32Array.from({ length: RECORDS }, (_, i) => {
    const seen = pixels.subarray(i * 64, i * 64 + 3);
    return seen.indexOf(Math.max(...seen));
  }),
});

const input = { name: 'x', shape: [1, 8, 8] };
const common = { input, loss: softmaxCrossEntropy({ labels: 'y', mask: 'mask' }), optimizer: sgd({ momentum: 0.9 }) };
export const mlp = sequential({ ...common, layers: [flatten(), dense(6), relu(), dense(3)] });
export const cnn = sequential({
  ...common,
  layers: [conv2d(4, 3, { padding: 'same' }), relu(), maxPool2d(2), flatten(), dense(3)],
});
export type Model = typeof mlp;

export const sessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const;

export function openSession(model: Model): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model.trainingGraph, sessionOptions);
}

export function stream(options: { remainder?: 'keep' | 'pad' | 'drop' } = {}) {
  return points.stream({ shuffle: true, shuffleSeed: 3 }).batch(BATCH, options);
}

/** A loop over the MLP's session, three epochs if nothing else is said. */
export function loopOf(session: TrainingOptions['session'], options: Partial<TrainingOptions> = {}): TrainingLoop {
  const limits = options.steps === undefined ? { epochs: 3 } : {};
  const defaults = { stream: stream(), parameters: mlp.initialState(1), learningRate: 0.05 };
  return trainingLoop({ session, ort, ...defaults, ...limits, ...options });
}

export async function stepsOf(loop: TrainingLoop): Promise<TrainingStep[]> {
  const steps: TrainingStep[] = [];
  for await (const step of loop) steps.push(step);
  return steps;
}

/** The bits of all arrays, by name. */
export function bitsOf(arrays: Readonly<Record<string, { readonly data: unknown }>>): Record<string, string> {
  const hex = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
    Buffer.from(buffer, byteOffset, byteLength).toString('hex');
  return Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, hex(data as Float32Array)]));
}
