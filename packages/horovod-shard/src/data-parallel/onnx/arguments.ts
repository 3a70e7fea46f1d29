import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { checkJob } from '../job.js';
import { refused } from '../refused.js';
import { checkParameters, graphPairOf, type GraphPair } from './graph-pair.js';
import type { DataParallelOptions } from './types.js';

export interface Training extends DataParallelOptions {
  readonly graphs: GraphPair;
}

/** @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkOptions(given: DataParallelOptions): Training {
  const { collective, ort, gradientSession, updateSession, parameters, preemption, ...unknown } = optionsOf(
    'dataParallel',
    given,
  );
  refuseUnknown('dataParallel', unknown, NAMES);
  checkJob({ collective, preemption });
  if (typeof ort?.Tensor !== 'function')
    throw refused("ort must be the onnxruntime that the sessions are of: import * as ort from 'onnxruntime-node'");
  for (const [name, session] of Object.entries({ gradientSession, updateSession }))
    if (!Array.isArray(session?.inputMetadata) || typeof session.run !== 'function')
      throw refused(`${name} must be an InferenceSession with inputMetadata: await ort.InferenceSession.create(…)`);
  const graphs = graphPairOf(gradientSession, updateSession);
  checkParameters(parameters, graphs);
  return { ...given, graphs };
}

const NAMES = [
  'collective',
  'ort',
  'gradientSession',
  'updateSession',
  'parameters',
  'preemption',
] satisfies (keyof DataParallelOptions)[];
