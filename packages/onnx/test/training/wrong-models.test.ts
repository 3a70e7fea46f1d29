import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { ndarray, type ErrorCode } from '@dataref/core';
import type { TrainingOptions } from '@dataref/onnx/pure';
import { dense, flatten, sequential, sgd, softmaxCrossEntropy } from '@dataref/onnx/graph';
import { loopOf, mlp, openSession, points, sessionOptions, stream } from './points.js';

let session: ort.InferenceSession;
beforeAll(async () => {
  session = await openSession(mlp);
});
afterAll(() => session.release());

type Values = readonly ort.InferenceSession.ValueMetadata[];

/** A session that says something else of its model. */
function saying(change: { inputs?: (values: Values) => Values; outputs?: (values: Values) => Values }) {
  const same = (values: Values): Values => values;
  const { inputs = same, outputs = same } = change;
  const run = (): never => {
    throw new Error('nothing may run');
  };
  return {
    inputMetadata: inputs(session.inputMetadata),
    outputMetadata: outputs(session.outputMetadata),
    run: run as ort.InferenceSession['run'],
  };
}
const without =
  (name: string) =>
  (values: Values): Values =>
    values.filter((value) => value.name !== name);
const withType =
  (name: string, type: string, shape: readonly (number | string)[]) =>
  (values: Values): Values =>
    values.map((value) => (value.name === name ? { name, isTensor: true, type: type as 'float32', shape } : value));

function refusal(options: Partial<TrainingOptions>, own: TrainingOptions['session'] = session): unknown {
  try {
    loopOf(own, options);
  } catch (error) {
    return error;
  }
  return undefined;
}
const invalid = (message: RegExp) => ({
  code: 'INVALID_ARGUMENT' satisfies ErrorCode,
  message: expect.stringMatching(message),
});

describe('a model that is no training step is refused at once:', () => {
  test.each([
    ['no loss', { outputs: without('loss') }, /output loss, float32\[\]/u],
    ['a loss for each row', { outputs: withType('loss', 'float32', ['N']) }, /output loss, float32\[\]/u],
    ['a loss of integers', { outputs: withType('loss', 'int32', []) }, /output loss, float32\[\]/u],
    [
      'a state that comes out and does not go in',
      { inputs: without('dense1.weight') },
      /output dense1\.weight\.out and no input dense1\.weight/u,
    ],
    [
      'a state that does not come out',
      { outputs: without('dense1.weight.out') },
      /parameters has dense1\.weight, .* no output dense1\.weight\.out/u,
    ],
    [
      'a state of another dtype',
      { outputs: withType('dense1.bias.out', 'float64', [6]) },
      /dense1\.bias is float32\[6\], the output dense1\.bias\.out is float64\[6\]/u,
    ],
    ['a state of another shape', { inputs: withType('dense1.bias', 'float32', [7]) }, /dense1\.bias is float32\[7\]/u],
    [
      'a learning rate of integers',
      { inputs: withType('lr', 'int32', []) },
      /lr, the learning rate, should be float32\[\], and is int32\[\]/u,
    ],
    ['no learning rate', { inputs: without('lr') }, /no input lr/u],
    [
      'one for inference',
      { outputs: (values: Values) => values.filter(({ name }) => !name.endsWith('.out')) },
      /is it for inference\?/u,
    ],
  ])('%s', (_, change, message) => expect(refusal({}, saying(change))).toMatchObject(invalid(message)));

  test('a state of no fixed shape', () => {
    const change = {
      inputs: withType('dense1.bias', 'float32', ['M']),
      outputs: withType('dense1.bias.out', 'float32', ['M']),
    };
    expect(refusal({}, saying(change))).toMatchObject(
      invalid(/float32\[M\]; it must be of numbers and of a fixed shape/u),
    );
  });

  test('padding that no mask tells from rows', async () => {
    const { trainingGraph, initialState } = sequential({
      input: { name: 'x', shape: [1, 8, 8] },
      layers: [flatten(), dense(3)],
      loss: softmaxCrossEntropy({ labels: 'y' }),
      optimizer: sgd(),
    });
    const unmasked = await ort.InferenceSession.create(trainingGraph, sessionOptions);
    const parameters = initialState(1);
    expect(refusal({ parameters, stream: stream({ remainder: 'pad' }) }, unmasked)).toMatchObject(
      invalid(/pads its last batch, and the model has no mask.*remainder: 'drop'.*mask: 'mask'/u),
    );
    for (const remainder of ['keep', 'drop'] as const)
      expect(refusal({ parameters, stream: stream({ remainder }) }, unmasked)).toBeUndefined();
    await unmasked.release();
  });

  test('an input that no column feeds', () => {
    const only = points.select('x').stream().batch(4);
    expect(refusal({ stream: only })).toMatchObject(invalid(/^trainingLoop: inputs\.y: .*inputs: \{ y: '…' \}/u));
    expect(refusal({ stream: only, inputs: { x: 'x' } })).toMatchObject(invalid(/\by\b/u));
  });
});

test('padding that no mask of the model takes away is refused at once', () => {
  const unmasked = saying({ inputs: without('mask') });
  expect(refusal({ stream: stream({ remainder: 'pad' }) }, unmasked)).toMatchObject(
    invalid(/rows of padding would be learned from/u),
  );
  expect(refusal({ stream: stream({ remainder: 'keep' }) }, unmasked)).toBeUndefined();
});

describe('parameters that do not fit are refused at once:', () => {
  const first = mlp.initialState(1);
  const { 'dense1.weight': _weight, 'dense2.bias': _bias, ...few } = first;
  test.each([
    ['missing ones', few, /lacks dense1\.weight \(float32\[6,64\]\), dense2\.bias \(float32\[3\]\)/u],
    [
      'one too many',
      { ...first, dense3: ndarray(new Float32Array(1), []) },
      /"dense3", which the model has no input for/u,
    ],
    [
      'another dtype',
      { ...first, 'dense1.bias': ndarray(new Float64Array(6), [6]) },
      /dense1\.bias must be float32\[6\], got float64\[6\]/u,
    ],
    [
      'another shape',
      { ...first, 'dense1.bias': ndarray(new Float32Array(6), [2, 3]) },
      /dense1\.bias must be float32\[6\], got float32\[2,3\]/u,
    ],
    [
      'data of another dtype',
      { ...first, 'dense1.bias': { dtype: 'float32', shape: [6], data: new Float64Array(6) } },
      /dense1\.bias is float32, and its data must be Float32Array, got Float64Array/u,
    ],
    ['an array alone', { ...first, 'dense1.bias': new Float32Array(6) }, /dense1\.bias must be an NDArray/u],
  ])('%s', (_, parameters, message) =>
    expect(refusal({ parameters: parameters as unknown as typeof first })).toMatchObject(invalid(message)),
  );
});

describe('options are refused at once:', () => {
  const checkpoint = { path: './x.ckpt', model: mlp.trainingGraph };
  test.each([
    ['a typing error', { learningrate: 0.1 }, /unknown option "learningrate"/u],
    ['no session', { session: undefined }, /session must be an InferenceSession/u],
    ['no ort', { ort: {} }, /ort must be the onnxruntime/u],
    ['records', { stream: points.stream() }, /stream must be batches/u],
    ['no end', { epochs: undefined }, /give epochs or steps/u],
    ['half an epoch', { epochs: 0.5 }, /epochs must be an integer/u],
    ['less than no step', { steps: -1 }, /steps must be an integer/u],
    ['no learning rate', { learningRate: undefined }, /learningRate is missing/u],
    ['a learning rate of text', { learningRate: '0.1' }, /learningRate must be a finite number/u],
    ['a learning rate that float32 cannot hold', { learningRate: 1e300 }, /learningRate must be a finite number/u],
    ['a signal that is none', { signal: 'SIGTERM' }, /signal must be an AbortSignal/u],
    ['a listener that is none', { onProgress: true }, /onProgress must be a function/u],
    ['a checkpoint without a model', { checkpoint: { path: 'x' } }, /checkpoint\.model must be the bytes/u],
    [
      'a folder for checkpoints',
      { checkpoint: { ...checkpoint, path: mkdtempSync(join(tmpdir(), 'dataref-')) } },
      /is a folder/u,
    ],
    ['every no step', { checkpoint: { ...checkpoint, everySteps: 0 } }, /everySteps must be an integer/u],
    ['a signal that ends at once', { checkpoint: { ...checkpoint, signals: ['SIGKILL'] } }, /ends a process at once/u],
    ['an unknown option of checkpoints', { checkpoint: { ...checkpoint, every: 5 } }, /unknown option "every"/u],
  ])('%s', (_, options, message) => {
    const all = { session, ort, stream: stream(), parameters: mlp.initialState(1), learningRate: 0.1, epochs: 1 };
    expect(refusal({ ...all, ...(options as object) })).toMatchObject(invalid(message));
  });

  test('a learning rate that a function gives is checked at its step', async () => {
    const loop = loopOf(session, { learningRate: ({ step }) => (step === 2 ? NaN : 0.1) });
    const train = async (): Promise<void> => {
      for await (const _ of loop);
    };
    await expect(train()).rejects.toMatchObject(invalid(/got NaN at step 2 of epoch 0/u));
    expect(loop.step).toBe(2);
  });
});
