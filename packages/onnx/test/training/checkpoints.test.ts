import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { ndarray } from '@dataref/core';
import { loadCheckpoint, type TrainingOptions } from '@dataref/onnx/pure';
import {
  bitsOf,
  cnn,
  loopOf,
  mlp,
  openSession,
  points,
  stepsOf,
  STEPS_AN_EPOCH,
  stream,
  type Model,
} from './points.js';

let session: ort.InferenceSession;
let folder: string;
let files = 0;
beforeAll(async () => {
  session = await openSession(mlp);
  folder = await mkdtemp(join(tmpdir(), 'dataref-onnx-'));
});
afterAll(async () => {
  await session.release();
  await rm(folder, { recursive: true, force: true });
});

const newPath = (): string => join(folder, `${files++}.safetensors`);
const checkpointAt = (path: string | URL, model: Model = mlp) =>
  ({ path, model: model.trainingGraph, intraOpNumThreads: 1 }) as const;

test.each([
  ['MLP', mlp],
  ['CNN', cnn],
])('the %s, stopped after any step and started again, ends with the bits of one run', async (_, model) => {
  const own = await openSession(model);
  const options: Partial<TrainingOptions> = { parameters: model.initialState(1), epochs: 2 };
  const whole = loopOf(own, options);
  const wholeSteps = await stepsOf(whole);
  for (let stop = 0; stop <= wholeSteps.length; stop++) {
    const checkpoint = checkpointAt(newPath(), model);
    const first = await stepsOf(loopOf(own, { ...options, checkpoint, steps: stop }));
    const second = loopOf(own, { ...options, checkpoint });
    const rest = await stepsOf(second);
    expect([...first, ...rest]).toEqual(wholeSteps);
    expect(bitsOf(second.parameters())).toEqual(bitsOf(whole.parameters()));
  }
  await own.release();
});

test('a checkpoint is written every few steps before the step is handed out, and at the end', async () => {
  const path = newPath();
  const loop = loopOf(session, { epochs: 1, checkpoint: { ...checkpointAt(path), everySteps: 3 } });
  const saved: (number | undefined)[] = [];
  for await (const _ of loop) saved.push((await loadCheckpoint(path))?.step);
  expect(saved).toEqual([undefined, undefined, 3, 3, 3, 6, 6]);
  const last = await loadCheckpoint(path);
  expect(last).toMatchObject({ step: STEPS_AN_EPOCH, epoch: 1, state: loop.state, threads: '1' });
  expect(last?.runtime).toBe(`onnxruntime-node ${String(ort.env.versions.node)}`);
  expect(bitsOf(last?.parameters ?? {})).toEqual(bitsOf(loop.parameters()));
});

test('a loop that is left saves nothing by itself; save() does, also to another path', async () => {
  const path = newPath();
  const loop = loopOf(session, { checkpoint: checkpointAt(path) });
  for await (const { step } of loop) if (step === 4) break;
  expect(existsSync(path)).toBe(false);
  await loop.save();
  const copy = pathToFileURL(join(folder, 'made', 'copy.safetensors'));
  await loop.save(copy);
  for (const at of [path, copy]) expect(await loadCheckpoint(at)).toMatchObject({ step: 4, state: loop.state });
  await expect(loopOf(session).save()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const early = loopOf(session, { checkpoint: checkpointAt(path) }).save();
  await expect(early).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect((await loadCheckpoint(path))?.step).toBe(4);
});

test('a training that has ended gives no step again, and its parameters', async () => {
  const checkpoint = checkpointAt(newPath());
  const loop = loopOf(session, { checkpoint, epochs: 1 });
  await stepsOf(loop);
  const again = loopOf(session, { checkpoint, epochs: 1, parameters: mlp.initialState(9) });
  expect(await stepsOf(again)).toEqual([]);
  expect(bitsOf(again.parameters())).toEqual(bitsOf(loop.parameters()));
});

test('the trained parameters are the input of the inference graph', async () => {
  const checkpoint = checkpointAt(newPath());
  await stepsOf(loopOf(session, { checkpoint, epochs: 20 }));
  const { parameters = {} } = (await loadCheckpoint(checkpoint.path)) ?? {};
  const inference = await ort.InferenceSession.create(mlp.inferenceGraph(parameters));
  const all = await points.read(Array.from({ length: points.length }, (_, i) => i));
  const { x, y } = all.columns;
  const { logits } = await inference.run({ x: new ort.Tensor('float32', x.data, [...x.shape]) });
  const scores = logits?.data as Float32Array;
  const right = Array.from(y.data).filter((label, i) => {
    const row = scores.subarray(i * 3, i * 3 + 3);
    return row.indexOf(Math.max(...row)) === label;
  });
  expect(right.length / points.length).toBeGreaterThan(0.9);
  await inference.release();
});

describe('a checkpoint of something else is refused, and nothing is changed:', () => {
  const refusedBy = async (options: Partial<TrainingOptions>, own = session) => {
    const loop = loopOf(own, options);
    const bits = bitsOf(loop.parameters());
    const error = await stepsOf(loop).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(bitsOf(loop.parameters())).toEqual(bits);
    expect(loop.step).toBe(0);
    return error;
  };
  let path: string;
  beforeAll(async () => {
    path = newPath();
    await stepsOf(loopOf(session, { checkpoint: checkpointAt(path), steps: 3 }));
  });

  test('another model', async () => {
    const own = await openSession(cnn);
    const options = { checkpoint: checkpointAt(path, cnn), parameters: cnn.initialState(1) };
    expect(await refusedBy(options, own)).toMatchObject({
      code: 'STATE_MISMATCH',
      message: expect.stringContaining(path),
      details: { path, field: 'model' },
    });
    await own.release();
  });

  test('bytes that are not those of the session', async () => {
    const own = await openSession(cnn);
    const options = { checkpoint: checkpointAt(path, mlp), parameters: cnn.initialState(1) };
    expect(await refusedBy(options, own)).toMatchObject({
      code: 'STATE_MISMATCH',
      details: { path, field: expect.stringMatching(/^conv.*weight$/u) },
    });
    await own.release();
  });

  test('another dataset, another seed, another batch', async () => {
    const checkpoint = checkpointAt(path);
    const shuffled = { shuffle: true, shuffleSeed: 3 } as const;
    for (const [other, code] of [
      [points.slice(0, 40).stream(shuffled).batch(8), 'STATE_MISMATCH'],
      [points.stream({ ...shuffled, shuffleSeed: 4 }).batch(8), 'STATE_MISMATCH'],
      [
        points
          .stream(shuffled)
          .filter(() => true)
          .batch(8),
        'STATE_PIPELINE',
      ],
    ] as const) {
      expect(await refusedBy({ checkpoint, stream: other })).toMatchObject({
        code,
        message: expect.stringContaining(path),
        details: { path },
      });
    }
  });
});

test('another number of threads or another runtime is warned of, by name, and training goes on', async () => {
  const checkpoint = checkpointAt(newPath());
  await stepsOf(loopOf(session, { checkpoint, steps: 3 }));
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    await stepsOf(loopOf(session, { checkpoint, steps: 4 }));
    expect(warn).not.toHaveBeenCalled();
    await stepsOf(loopOf(session, { checkpoint: { ...checkpoint, intraOpNumThreads: 2 }, steps: 5 }));
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/threads: 1, here it is 2/u)]]);
    const older = { Tensor: ort.Tensor, env: { versions: { common: '1.20.0', node: '1.20.0' } } };
    warn.mockClear();
    await stepsOf(loopOf(session, { checkpoint: { ...checkpoint, intraOpNumThreads: 2 }, steps: 6, ort: older }));
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/runtime: onnxruntime-node 1\.30\.\d, here it is onnxruntime-node 1\.20\.0/u)],
    ]);
  } finally {
    warn.mockRestore();
  }
});

describe('a loss that is not finite', () => {
  const broken = points.stream({ shuffle: true, shuffleSeed: 3 }).map(
    (record, { position }) => {
      if (position !== 33) return record;
      return { ...record, x: ndarray(new Float32Array(64).fill(NaN), [1, 8, 8]) };
    },
    { schema: points.stream().schema },
  );

  test('ends training; the state before its step is kept, and written beside the checkpoint', async () => {
    const path = newPath();
    const batches = broken.batch(8);
    const checkpoint = { ...checkpointAt(path), everySteps: 3 };
    const loop = loopOf(session, { stream: batches, checkpoint });
    const error = await stepsOf(loop).catch((thrown: unknown) => thrown as { details: { path: string } });
    expect(error).toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/step 5, in epoch 0, is NaN/u),
      details: { step: 4, epoch: 0, loss: NaN, path: `${path}.nan` },
    });
    const four = loopOf(session, { steps: 4 });
    await stepsOf(four);
    expect(bitsOf(loop.parameters())).toEqual(bitsOf(four.parameters()));
    const before = await loadCheckpoint(`${path}.nan`);
    expect(before).toMatchObject({ step: 4, state: loop.state });
    expect(bitsOf(before?.parameters ?? {})).toEqual(bitsOf(four.parameters()));
    expect(await loadCheckpoint(path)).toMatchObject({ step: 3 });
    // From that file the very step can be made again.
    const again = loopOf(session, { stream: broken.batch(8), checkpoint: checkpointAt(`${path}.nan`) });
    await expect(stepsOf(again)).rejects.toMatchObject({ code: 'NOT_FINITE', details: { step: 4 } });
  });

  test('is told too where the state before it cannot be written', async () => {
    const path = newPath();
    await mkdir(`${path}.nan`);
    const loop = loopOf(session, { stream: broken.batch(8), checkpoint: checkpointAt(path) });
    await expect(stepsOf(loop)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining(`could not be written to ${path}.nan`),
      details: { step: 4, path: undefined },
    });
  });

  test('without checkpoints is told with the state', async () => {
    const loop = loopOf(session, { stream: broken.batch(8) });
    await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'NOT_FINITE', details: { step: 4, path: undefined } });
    expect(loop.step).toBe(4);
  });
});

test('parameters that are not finite never replace a good checkpoint', async () => {
  const path = newPath();
  const learningRate = ({ step }: { step: number }): number => (step === 4 ? 1e38 : 0.05);
  const loop = loopOf(session, { learningRate, checkpoint: { ...checkpointAt(path), everySteps: 1 } });
  await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'NOT_FINITE' });
  const good = await loadCheckpoint(path);
  const values = Object.values(good?.parameters ?? {}).flatMap(({ data }) => Array.from(data as Float32Array));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(existsSync(`${path}.nan`)).toBe(true);
});

test('a file is safetensors: arrays by name, and what else it tells as texts', async () => {
  const path = newPath();
  const loop = loopOf(session, { steps: 2, checkpoint: checkpointAt(path) });
  await stepsOf(loop);
  const bytes = await readFile(path);
  const { __metadata__: metadata, ...tensors } = JSON.parse(
    bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString(),
  ) as Record<string, any>;
  expect(metadata).toEqual({
    format: 'dataref-onnx-checkpoint',
    version: '1',
    step: '2',
    state: JSON.stringify(loop.state),
    model: expect.stringMatching(/^[0-9a-f]{64}$/u),
    runtime: expect.stringMatching(/^onnxruntime-node /u),
    threads: '1',
  });
  expect(Object.keys(tensors)).toEqual([...Object.keys(mlp.initialState(1)), 'sha256']);
  expect(tensors['dense1.weight']).toMatchObject({ dtype: 'F32', shape: [6, 64] });
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(stream().length).toBe(STEPS_AN_EPOCH);
});
