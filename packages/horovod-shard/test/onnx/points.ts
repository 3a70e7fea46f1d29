import { fromColumns, ndarray } from '@dataref/core';
import { localCollectives, type Collective } from '@dataref/horovod-shard';
import { dataParallel, type DataParallel, type DataParallelOptions } from '@dataref/horovod-shard/onnx';
import {
  adam,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  relu,
  sequential,
  softmaxCrossEntropy,
  type Optimizer,
  type Sequential,
} from '@dataref/onnx/graph';
import { toOrtFeeds, trainingLoop } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';

export const RECORDS = 50;

/** Images of 6 × 6, whose class is the brightest of three of their pixels. */
const pixels = Float32Array.from({ length: RECORDS * 36 }, (_, i) => Math.sin(i * i * 0.37 + i));
export const points = fromColumns({
  x: ndarray(pixels, [RECORDS, 1, 6, 6]),
  y: Int32Array.from({ length: RECORDS }, (_, i) => {
    const seen = pixels.subarray(i * 36, i * 36 + 3);
    return seen.indexOf(Math.max(...seen));
  }),
});

const LAYERS = {
  MLP: [flatten(), dense(6), relu(), dense(3)],
  CNN: [conv2d(4, 3, { padding: 'same' }), relu(), maxPool2d(2), flatten(), dense(3)],
};

export function networkOf(kind: keyof typeof LAYERS = 'MLP', optimizer: Optimizer = adam(), mask?: 'mask') {
  return sequential({
    input: { name: 'x', shape: [1, 6, 6] },
    layers: LAYERS[kind],
    loss: softmaxCrossEntropy({ labels: 'y', mask }),
    optimizer,
  });
}

export function openSession(graph: Uint8Array): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(graph, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
  });
}

export interface Sessions {
  readonly gradientSession: ort.InferenceSession;
  readonly updateSession: ort.InferenceSession;
}

export async function openSessions(network: Sequential): Promise<Sessions> {
  const [gradientSession, updateSession] = await Promise.all(
    [network.gradientGraph, network.updateGraph].map(openSession),
  );
  return { gradientSession, updateSession } as Sessions;
}

/** Calls `act` with the sessions of a network, as each of so many ranks, and releases them. */
export async function asRanks<T>(
  size: number,
  network: Sequential,
  act: (training: DataParallel, sessions: Sessions, collective: Collective) => Promise<T>,
  options: Partial<DataParallelOptions> = {},
): Promise<T[]> {
  const sessions = await openSessions(network);
  try {
    return await Promise.all(
      localCollectives(size).map(async (collective) => {
        // Each rank would begin with parameters of its own.
        const parameters = network.initialState(collective.rank + 1);
        const training = dataParallel({ collective, ort, ...sessions, parameters, ...options });
        try {
          return await act(training, sessions, collective);
        } finally {
          await collective.close();
        }
      }),
    );
  } finally {
    await Promise.all([sessions.gradientSession.release(), sessions.updateSession.release()]);
  }
}

export const STREAM = { shuffle: true, shuffleSeed: 7 } as const;

/** This rank's feeds of each global batch. */
export function feedsOf(
  { rank, size }: Collective,
  { gradientSession }: Sessions,
  batch: number,
  remainder: 'keep' | 'pad' | 'drop' = 'keep',
) {
  const stream = points.stream({ ...STREAM, shardRank: rank, numShards: size }).globalBatch(batch, { remainder });
  const maskInput = gradientSession.inputNames.includes('mask') ? 'mask' : undefined;
  return toOrtFeeds(stream, { session: gradientSession, ort, maskInput, reuseBuffers: true });
}

export type State = ReturnType<DataParallel['parameters']>;

/** The state after a training loop in one process. */
export async function trainedAlone(
  network: Sequential,
  batch: number,
  { epochs = 1, remainder = 'keep' }: { epochs?: number; remainder?: 'keep' | 'pad' | 'drop' } = {},
): Promise<State> {
  const session = await openSession(network.trainingGraph);
  const stream = points.stream(STREAM).batch(batch, { remainder });
  const parameters = network.initialState(1);
  const loop = trainingLoop({ session, ort, stream, parameters, learningRate: 0.01, epochs });
  for await (const { step } of loop) if (step > 1000) throw new Error('the training does not end');
  await session.release();
  return loop.parameters();
}

/** The largest difference between two states. */
export function distance(a: State, b: State): number {
  return Object.entries(a).reduce((most, [name, { data }]) => {
    const other = b[name]?.data as Float32Array;
    return (data as Float32Array).reduce((max, value, i) => Math.max(max, Math.abs(value - (other[i] ?? NaN))), most);
  }, 0);
}

/** The state after a step of the training graph, in arrays of its own. */
export async function stepOf(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, ort.Tensor>>,
  state: State,
): Promise<State> {
  const lr = new ort.Tensor('float32', Float32Array.of(0.01), []);
  const given = Object.entries(state).map(([name, { data, shape }]) => [
    name,
    new ort.Tensor('float32', data as Float32Array, shape),
  ]);
  const results = await session.run({ ...feeds, ...Object.fromEntries(given), lr });
  return Object.fromEntries(
    Object.entries(state).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape, data: Float32Array.from(results[`${name}.out`]?.data as Float32Array) },
    ]),
  );
}
