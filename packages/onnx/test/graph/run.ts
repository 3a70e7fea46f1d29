import type { NDArray } from '@dataref/core';
import * as ort from 'onnxruntime-node';
import type { Sequential } from '@dataref/onnx/graph';

export type Arrays = Readonly<Record<string, NDArray>>;
export type State = Record<string, NDArray<'float32', readonly number[]>>;

/** One thread, so that sums are made in one order. */
const OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4,
} as const;

/** Runs a graph, over and over. */
export async function openGraph(graph: Uint8Array): Promise<(inputs: Arrays) => Promise<State>> {
  const session = await ort.InferenceSession.create(graph, OPTIONS);
  return async (inputs) => {
    const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype as 'float32', data as Float32Array, shape as number[]),
    ]);
    const outputs = await session.run(Object.fromEntries(feeds) as ort.InferenceSession.FeedsType);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data, dims }]) => [
        name,
        { dtype: 'float32', shape: dims, data: data as Float32Array },
      ]),
    );
  };
}

export interface Step {
  readonly loss: number;
  readonly accuracy: number;
  readonly state: State;
}

/** A step from a state to the next. */
export type RunStep = (state: Arrays, lr: number, data: Arrays) => Promise<Step>;

/** Runs steps of training. */
export async function openTraining(network: Sequential): Promise<RunStep> {
  const run = await openGraph(network.trainingGraph);
  return async (state, lr, data) => stepOf(await run({ ...data, ...state, lr: rate(lr) }));
}

/** Runs the same steps in two halves: gradients, then the update by them. */
export async function openHalves(network: Sequential): Promise<RunStep> {
  const gradient = await openGraph(network.gradientGraph);
  const update = await openGraph(network.updateGraph);
  return async (state, lr, data) => {
    const parameters = Object.fromEntries(network.parameterNames.map((name) => [name, state[name] as NDArray]));
    const { loss, accuracy, ...gradients } = await gradient({ ...data, ...parameters });
    const next = await update({ ...state, ...gradients, lr: rate(lr) });
    return stepOf({ ...next, ...(loss && { loss }), ...(accuracy && { accuracy }) });
  };
}

function rate(lr: number): NDArray {
  return { dtype: 'float32', shape: [], data: Float32Array.of(lr) };
}

function stepOf(outputs: State): Step {
  const scalar = (name: string): number => outputs[name]?.data[0] ?? NaN;
  const next = Object.entries(outputs)
    .filter(([name]) => name.endsWith('.out'))
    .map(([name, value]) => [name.slice(0, -'.out'.length), value]);
  return { loss: scalar('loss'), accuracy: scalar('accuracy'), state: Object.fromEntries(next) as State };
}
