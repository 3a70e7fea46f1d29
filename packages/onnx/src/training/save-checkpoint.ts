import { DataRefError, parseState, type StreamState } from '@dataref/core';
import { checkPath, countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { writeCheckpoint } from './checkpoint.js';
import { areModels, makerOf, type MakerParts, type Models } from './maker.js';
import { nameOfNotFinite } from './numbers.js';
import { isSavable } from './step-graph.js';
import type { Parameters } from './types.js';

export interface CheckpointParts extends MakerParts {
  /** Parameters, and what the optimizer has gathered. */
  readonly parameters: Parameters;
  /** Of the last batch that was learned from. */
  readonly state: StreamState;
  /** Steps that were made. */
  readonly step: number;
  /**
   * The bytes of the training graph, of which the file keeps the hash; where steps are made by several, a list of them:
   * `[gradientGraph, updateGraph]`.
   */
  readonly model: Models;
  /** What the session was made with; left out, the file says that it was the machine's default. */
  readonly intraOpNumThreads?: number | undefined;
}

const NAMES = ['parameters', 'state', 'step', 'model', 'ort', 'intraOpNumThreads'] satisfies (keyof CheckpointParts)[];

/**
 * Writes what a loop of one's own has learned, as `trainingLoop` does: one file, which replaces an older one at once and
 * whole. `loadCheckpoint` reads it, and a `trainingLoop` of the same graph and stream goes on from it.
 * @param path in a folder that is made where there is none
 * @throws DataRefError INVALID_ARGUMENT; NOT_FINITE for parameters that are not, with nothing written; DISK_FULL,
 * STORE_FAILED
 */
export async function saveCheckpoint(path: string | URL, parts: CheckpointParts): Promise<void> {
  checkPath('saveCheckpoint', path);
  const { parameters, state, step, model, ort, intraOpNumThreads, ...unknown } = optionsOf('saveCheckpoint', parts);
  refuseUnknown('saveCheckpoint', unknown, NAMES);
  if (state === undefined) throw refused('state is missing; it goes with the parameters: that of the last batch');
  const place = parseState(state);
  countOf('saveCheckpoint: step', step, 0);
  if (!areModels(model))
    throw refused('model must be the bytes of the training graph, a Uint8Array, or a list of such');
  if (typeof ort?.Tensor !== 'function')
    throw refused("ort must be the onnxruntime that trained: import * as ort from 'onnxruntime-node'");
  if (intraOpNumThreads !== undefined) countOf('saveCheckpoint: intraOpNumThreads', intraOpNumThreads, 0);
  const arrays = Object.entries(Object(parameters) as Parameters);
  if (arrays.length === 0) throw refused('parameters must be an object of NDArrays, such as trainer.parameters()');
  const wrong = arrays.find(([name, array]) => !isSavable(name, array))?.[0];
  if (wrong !== undefined) throw refused(`parameters.${wrong} must be an NDArray, such as ndarray() makes`);
  const notFinite = nameOfNotFinite(parameters);
  if (notFinite !== undefined)
    throw new DataRefError(
      'NOT_FINITE',
      `saveCheckpoint: after step ${step} the state ${notFinite} has values that are not finite; ${String(path)} is as it was. A lower learning rate may help, or clipped gradients`,
      { details: { step, name: notFinite } },
    );
  await writeCheckpoint(path, parameters, { step, state: place, ...makerOf({ model, ort, intraOpNumThreads }) });
}

function refused(problem: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `saveCheckpoint: ${problem}`);
}
