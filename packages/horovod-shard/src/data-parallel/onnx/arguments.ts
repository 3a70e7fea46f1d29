import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { refused } from '../refused.js';
import { checkParameters, graphPairOf, type GraphPair } from './graph-pair.js';
import type { DataParallelOptions } from './types.js';

export interface Training extends DataParallelOptions {
  readonly graphs: GraphPair;
}

/** @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkOptions(given: DataParallelOptions): Training {
  const options = optionsOf('dataParallel', given);
  const { collective, ort, gradientSession, updateSession, parameters } = options;
  const unknown = Object.fromEntries(Object.entries(options).filter(([name]) => !NAMES.includes(name)));
  refuseUnknown('dataParallel', unknown, NAMES);
  if (typeof collective?.allreduce !== 'function')
    throw refused("collective must be a Collective, such as await openMpi() of '@dataref/horovod-shard/mpi'");
  if (typeof ort?.Tensor !== 'function')
    throw refused("ort must be the onnxruntime that the sessions are of: import * as ort from 'onnxruntime-node'");
  for (const [name, session] of Object.entries({ gradientSession, updateSession }))
    if (!Array.isArray(session?.inputMetadata) || typeof session.run !== 'function')
      throw refused(`${name} must be an InferenceSession with inputMetadata: await ort.InferenceSession.create(…)`);
  const graphs = graphPairOf(gradientSession, updateSession);
  checkParameters(parameters, graphs);
  if (options.preemption !== undefined && !('asked' in Object(options.preemption)))
    throw refused('preemption must have asked, as onPreempt() gives it');
  return { ...options, graphs };
}

const NAMES = [
  'collective',
  'ort',
  'gradientSession',
  'updateSession',
  'parameters',
  'preemption',
] satisfies (keyof DataParallelOptions)[] as string[];
