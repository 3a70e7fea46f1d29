import { DataRefError, type NDArray, type NumericDType, type StreamState } from '@dataref/core';
import {
  checkPath,
  corrupt,
  optionsOf,
  parseStateIn,
  readTensors,
  refuseUnknown,
  writeTensors,
  type TensorEntry,
} from '@dataref/core/adapter';
import { areModels, modelHashOf, type Models } from './maker.js';
import { checkModel } from './mismatch.js';
import type { Parameters } from './types.js';

const FORMAT = 'dataref-onnx-checkpoint';
const VERSION = '1';

/** What a checkpoint says beside its arrays. */
export interface CheckpointFacts {
  /** Steps that were made. */
  readonly step: number;
  /** Of the stream, after the last batch that was learned from. */
  readonly state: StreamState;
  /** SHA-256 of the training graph's bytes, hexadecimal; of several graphs, that of their hashes. */
  readonly modelHash: string;
  /** Such as `onnxruntime-node 1.30.0`. */
  readonly runtime: string;
  /** `intraOpNumThreads`, or `default on a machine of 8`. */
  readonly threads: string;
}

export interface TrainedParameters extends CheckpointFacts {
  /** Parameters, and what the optimizer has gathered, by the names of the graph's inputs. */
  readonly parameters: Record<string, NDArray<NumericDType, readonly number[]>>;
  /** The epoch that the next batch belongs to. */
  readonly epoch: number;
}

/**
 * One file in the safetensors layout, which replaces an older one at once and whole.
 * @throws DataRefError DISK_FULL, STORE_FAILED
 */
export async function writeCheckpoint(
  path: string | URL,
  parameters: Parameters,
  facts: CheckpointFacts,
): Promise<void> {
  const arrays = Object.entries(parameters).map(([name, array]) => ({ name, ...array }));
  // Wide elements first, so that each begins at a multiple of its size.
  arrays.sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const { step, state, modelHash, runtime, threads } = facts;
  await writeTensors(path, arrays, {
    format: FORMAT,
    version: VERSION,
    step: String(step),
    state: JSON.stringify(state),
    model: modelHash,
    runtime,
    threads,
  });
}

/**
 * What a training loop has saved: the parameters for inference, or to look at.
 * @param path a file of `checkpoint: { path }`
 * @param options `model`: what the file is to be of, as `saveCheckpoint` was given it; left out, any is taken
 * @returns undefined where there is no file
 * @throws DataRefError INVALID_ARGUMENT; CORRUPT naming the file; STATE_INVALID, UNSUPPORTED for a state that this release
 *   cannot read; STATE_MISMATCH for another model; STORE_FAILED
 */
export async function loadCheckpoint(
  path: string | URL,
  options?: { readonly model?: Models | undefined },
): Promise<TrainedParameters | undefined> {
  checkPath('loadCheckpoint', path);
  const { model, ...unknown } = optionsOf('loadCheckpoint', options);
  refuseUnknown('loadCheckpoint', unknown, ['model']);
  if (model !== undefined && !areModels(model))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'loadCheckpoint: model must be the bytes of a graph, a Uint8Array, or a list of such',
    );
  const own = model && modelHashOf(model);
  return readCheckpoint(path, ({ modelHash }, _, where) => {
    if (own !== undefined) checkModel(modelHash, own, where);
  });
}

/** As `loadCheckpoint`. @param check may refuse what the file says, before memory is taken for its arrays */
export async function readCheckpoint(
  path: string | URL,
  check: (facts: CheckpointFacts, entries: readonly TensorEntry[], where: string) => void,
): Promise<TrainedParameters | undefined> {
  let facts: CheckpointFacts | undefined;
  const loaded = await readTensors(path, ({ metadata, entries }, where) => {
    facts = factsOf(metadata, where);
    check(facts, entries, where);
  });
  if (loaded === undefined || facts === undefined) return undefined;
  const parameters = Object.fromEntries(
    loaded.arrays.map(({ name, dtype, shape, data }) => [name, { dtype, shape, data }]),
  );
  return { ...facts, epoch: facts.state.epoch, parameters };
}

function factsOf(metadata: Readonly<Record<string, string>>, where: string): CheckpointFacts {
  const { format, version, step = '', state = '', model = '', runtime, threads } = metadata;
  if (format !== FORMAT) throw corrupt(where, `its format is ${JSON.stringify(format)}, not ${JSON.stringify(FORMAT)}`);
  if (version !== VERSION) throw corrupt(where, `its version is ${String(version)}, this is release ${VERSION}`);
  if (!/^\d{1,15}$/u.test(step)) throw corrupt(where, `its step is ${JSON.stringify(step)}`);
  if (!/^[0-9a-f]{64}$/u.test(model)) throw corrupt(where, 'its model is no SHA-256');
  if (runtime === undefined || threads === undefined) throw corrupt(where, 'it does not tell its runtime and threads');
  return { step: Number(step), state: parsedState(state, where), modelHash: model, runtime, threads };
}

function parsedState(text: string, where: string): StreamState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(where, 'its state is no JSON', error);
  }
  return parseStateIn(where, json);
}
