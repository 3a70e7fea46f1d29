import { BatchFlow, checkFilePath, checkSignals, countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { isFeeds } from '../feeds/made-feeds.js';
import { TOO_OLD } from '../feeds/model-inputs.js';
import { isModel } from './maker.js';
import { refused } from './step-graph.js';
import type { TrainingCheckpoint, TrainingMoment, TrainingOptions } from './types.js';

/** Options of `trainingLoop`, checked, with what was left out. */
export interface CheckedOptions extends TrainingOptions {
  readonly epochs: number;
  readonly steps: number;
  /** The last batch may have rows of padding. */
  readonly padsRows: boolean;
  readonly rateAt: ((at: TrainingMoment) => number) | undefined;
}

/** @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkOptions(given: TrainingOptions): CheckedOptions {
  const options = optionsOf('trainingLoop', given);
  const { session, ort, stream, inputs, maskInput, parameters, learningRate, ...others } = options;
  const { epochs, steps, checkpoint, signal, onProgress, ...unknown } = others;
  refuseUnknown('trainingLoop', unknown, NAMES, { lr: 'the learning rate is learningRate' });
  const { inputMetadata, outputMetadata, run } = Object(session) as Partial<TrainingOptions['session']>;
  if (!Array.isArray(inputMetadata) || !Array.isArray(outputMetadata) || typeof run !== 'function')
    throw refused(
      `session must be an InferenceSession with inputMetadata and outputMetadata: await ort.InferenceSession.create(model)${TOO_OLD}`,
    );
  if (typeof (Object(ort) as { Tensor?: unknown }).Tensor !== 'function')
    throw refused("ort must be the onnxruntime that made the session: import * as ort from 'onnxruntime-node'");
  const batches: unknown = stream;
  if (!(batches instanceof BatchFlow) && !isFeeds(stream))
    throw refused('stream must be batches, dataref.stream().batch(32), or feeds that toOrtFeeds made');
  const bound = isFeeds(stream) && Object.entries({ inputs, maskInput }).find(([, value]) => value !== undefined);
  if (bound)
    throw refused(`${bound[0]} belongs to toOrtFeeds here, which made the feeds: toOrtFeeds(…, { ${bound[0]} })`);
  if (typeof parameters !== 'object' || parameters === null)
    throw refused('parameters must be an object of NDArrays, by the names of the inputs that have an output NAME.out');
  if (inputs !== undefined && (typeof inputs !== 'object' || inputs === null))
    throw refused("inputs must be an object of columns by the names of inputs, such as { x: 'image' }");
  if (maskInput !== undefined && typeof maskInput !== 'string') throw refused('maskInput must be the name of an input');
  if (epochs === undefined && steps === undefined)
    throw refused('give epochs or steps, or both: a loop without an end says so, steps: Infinity');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw refused('onProgress must be a function');
  if (signal !== undefined && typeof (Object(signal) as Partial<AbortSignal>).throwIfAborted !== 'function')
    throw refused('signal must be an AbortSignal');
  return {
    ...options,
    stream,
    padsRows: batches instanceof BatchFlow && batches.padsRemainder,
    epochs: limitOf('epochs', epochs),
    steps: limitOf('steps', steps),
    rateAt: rateOf(learningRate),
    checkpoint: checkpoint === undefined ? undefined : checkCheckpoint(checkpoint),
  };
}

const NAMES = [
  'session',
  'ort',
  'stream',
  'inputs',
  'maskInput',
  'parameters',
  'learningRate',
  'epochs',
  'steps',
  'checkpoint',
  'signal',
  'onProgress',
] satisfies (keyof TrainingOptions)[];

function limitOf(name: string, value: number | undefined): number {
  return value === undefined || value === Infinity ? Infinity : countOf(`trainingLoop: ${name}`, value, 0);
}

function rateOf(learningRate: TrainingOptions['learningRate']): CheckedOptions['rateAt'] {
  if (learningRate === undefined) return undefined;
  const rateAt = typeof learningRate === 'function' ? learningRate : () => learningRate;
  if (typeof learningRate !== 'function') checkRate(learningRate);
  return (at) => checkRate(rateAt(at), at);
}

function checkRate(rate: unknown, at?: TrainingMoment): number {
  if (typeof rate === 'number' && Number.isFinite(Math.fround(rate))) return rate;
  const where = at === undefined ? '' : ` at step ${at.step} of epoch ${at.epoch}`;
  throw refused(
    `learningRate must be a finite number of float32, or a function that gives one, got ${String(rate)}${where}`,
  );
}

function checkCheckpoint(given: TrainingCheckpoint): TrainingCheckpoint {
  const what = 'trainingLoop: checkpoint';
  const { path, model, everySteps, signals, intraOpNumThreads, ...unknown } = optionsOf(what, given);
  refuseUnknown(what, unknown, ['path', 'model', 'everySteps', 'signals', 'intraOpNumThreads']);
  checkFilePath(what, path);
  if (!isModel(model))
    throw refused(
      "checkpoint.model must be the bytes that the session was made of, a Uint8Array: await readFile('step.onnx')",
    );
  if (everySteps !== undefined && everySteps !== Infinity) countOf(`${what}.everySteps`, everySteps, 1);
  if (signals !== undefined) checkSignals(what, signals);
  if (intraOpNumThreads !== undefined) countOf(`${what}.intraOpNumThreads`, intraOpNumThreads, 0);
  return given;
}
