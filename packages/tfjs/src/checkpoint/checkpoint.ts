import { DataRefError, parseState, type StreamState } from '@dataref/core';
import {
  checkPath,
  corrupt,
  isTexts,
  optionsOf,
  parseStateIn,
  readTensors,
  refuseUnknown,
  resumeFromFile,
  writeTensors,
} from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { peerTf } from '#peer';
import { insideOf } from '../tf-dataset.js';
import type { ResumableDataset, TfOptions } from '../types.js';
import { checkParts } from './arguments.js';
import { checkEntries, configOf, type Description } from './check.js';
import {
  MODEL,
  OPTIMIZER,
  readModel,
  readOptimizer,
  writeModel,
  writeOptimizer,
  type TensorArray,
} from './model-tensors.js';
import { weightOrder } from './slots.js';

const FORMAT = 'dataref-checkpoint';

/** What a checkpoint says beside the weights. */
export interface Checkpoint {
  /** For `dataset.resume`, or a stream's. */
  readonly state: StreamState;
  /** The epoch that the next batch belongs to: `fitDataset`'s `initialEpoch`. */
  readonly epoch: number;
  /** Steps that the optimizer had made. */
  readonly step: number;
  /** TensorFlow.js backend that trained. Results are equal to the bit only on the same one. */
  readonly backend: string;
  /** Settings of the native backend's threads in the environment; other numbers of threads may round otherwise. */
  readonly threads: Readonly<Record<string, string>>;
}

export interface CheckpointParts {
  readonly model: Tf.LayersModel;
  /** Where the model was not compiled, or another optimizer trains it. Default: the model's. */
  readonly optimizer?: Tf.Optimizer | undefined;
}

/** What decides the native backend's number of threads. */
const THREAD_SETTINGS = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS'];

/**
 * Weights, optimizer and state as one file, which replaces an older one at once and whole: a process that is killed
 * while it writes leaves the old one.
 * @param path in a folder that is made where there is none
 * @param parts `state`: of the last batch that the model has learned from
 * @throws DataRefError INVALID_ARGUMENT, DISK_FULL, STORE_FAILED, UNSUPPORTED for an optimizer that does not tell its state, or that has
 * gathered some for other weights than the model's
 */
export async function saveCheckpoint(
  path: string | URL,
  parts: CheckpointParts & { readonly state: StreamState },
  options: TfOptions = {},
): Promise<void> {
  checkPath('saveCheckpoint', path);
  const { model, state: given, ...unknown } = checkParts('saveCheckpoint', parts, '{ model, state }');
  const { optimizer = optimizerOf(model), ...rest } = unknown;
  refuseUnknown('saveCheckpoint', rest, ['model', 'state', 'optimizer']);
  if (given === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'saveCheckpoint: state is missing; it goes with the weights: saveCheckpoint(path, { model, state: dataset.state })',
    );
  const state = parseState(given);
  const { tf = peerTf() } = optionsOf('saveCheckpoint', options);
  const backend = tf.getBackend();
  const step = optimizer?.iterations ?? 0;
  const arrays = [
    ...(await readModel(model)),
    ...(optimizer === undefined ? [] : await readOptimizer(model, optimizer)),
  ];
  const about: About = {
    state,
    step,
    optimizer: optimizer?.getClassName() ?? null,
    config: configOf(optimizer),
    slots: arrays.filter(({ name }) => name.startsWith(OPTIMIZER)).length,
    order: weightOrder(model),
    backend,
    threads: backend === 'tensorflow' ? threadSettings() : {},
  };
  await writeTensors(path, arrays, { format: FORMAT, version: '1', checkpoint: JSON.stringify(about) });
}

/**
 * Puts weights and optimizer back into `model`, and `dataset` to where it stood. The model is the one that was saved,
 * made and compiled by the same code, with the same layers frozen. The optimizer is of the same class with the same
 * switches, such as `centered`; its numbers, such as the learning rate, may differ, and stay as they are here.
 * @returns undefined when there is no file yet, so that a first run and a resumed one are one program
 * @throws DataRefError INVALID_ARGUMENT; CORRUPT; STATE_INVALID or UNSUPPORTED for a state that this release cannot read;
 * STATE_MISMATCH for another model, optimizer or dataset; nothing is changed then
 */
export async function loadCheckpoint(
  path: string | URL,
  parts: CheckpointParts & { readonly dataset?: ResumableDataset<any> | undefined },
  options: TfOptions = {},
): Promise<Checkpoint | undefined> {
  checkPath('loadCheckpoint', path);
  const { model, dataset, ...unknown } = checkParts('loadCheckpoint', parts, '{ model, dataset }');
  const { optimizer = optimizerOf(model), ...rest } = unknown;
  refuseUnknown('loadCheckpoint', rest, ['model', 'dataset', 'optimizer']);
  const inside = dataset === undefined ? undefined : insideOf(dataset);
  const tf = optionsOf('loadCheckpoint', options).tf ?? inside?.tf ?? peerTf();
  let about: About | undefined;
  const loaded = await readTensors(path, (contents, where) => {
    about = parseAbout(contents.metadata, where);
    checkEntries(contents, where, about, model, optimizer);
  });
  if (loaded === undefined || about === undefined) return undefined;
  const arrays = loaded.arrays as TensorArray[];
  const before = dataset?.state;
  if (dataset !== undefined) resumeFromFile(String(path), about.state, (state) => dataset.resume(state));
  try {
    if (optimizer !== undefined) await writeOptimizer(tf, model, optimizer, arrays);
  } catch (error) {
    dataset?.resume(before);
    throw error;
  }
  writeModel(
    tf,
    model,
    arrays.filter(({ name }) => name.startsWith(MODEL)),
  );
  const { state, step, backend, threads } = about;
  return { state, epoch: state.epoch, step, backend, threads };
}

/** None before `compile`, whatever the declarations say. */
function optimizerOf(model: Tf.LayersModel): Tf.Optimizer | undefined {
  return model.optimizer;
}

interface About extends Description {
  readonly state: StreamState;
  readonly step: number;
  readonly backend: string;
  readonly threads: Readonly<Record<string, string>>;
}

function parseAbout(metadata: Readonly<Record<string, string>>, where: string): About {
  if (metadata['format'] !== FORMAT) throw corrupt(where, `its format is ${JSON.stringify(metadata['format'])}`);
  if (metadata['version'] !== '1')
    throw corrupt(where, `its version is ${String(metadata['version'])}, this is release 1`);
  let about: Record<string, unknown>;
  try {
    about = JSON.parse(metadata['checkpoint'] as string) as Record<string, unknown>;
  } catch (error) {
    throw corrupt(where, 'its description is no JSON', error);
  }
  const { step, optimizer, backend, threads, config, slots, order } = about ?? {};
  const isText = typeof backend === 'string' && (optimizer === null || typeof optimizer === 'string');
  const isWhole = [step, slots].every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const isPlain = typeof config === 'object' && config !== null && isTexts(threads);
  if (!isText || !isWhole || !isPlain || !Array.isArray(order)) {
    throw corrupt(where, 'its description is not complete');
  }
  return { ...(about as unknown as About), state: parseStateIn(where, about['state']) };
}

function threadSettings(): Record<string, string> {
  const set = THREAD_SETTINGS.filter((name) => process.env[name] !== undefined);
  return Object.fromEntries(set.map((name) => [name, process.env[name] as string]));
}
