import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { peerTf } from './peer.js';
import { checkJob } from '../job.js';
import { refused } from '../refused.js';
import type { DataParallelOptions } from './types.js';

/** The options of `dataParallel`, checked, with what was left out. */
export interface Training<B> {
  readonly tf: typeof Tf;
  readonly collective: DataParallelOptions<B>['collective'];
  /** What is trained. */
  readonly variables: readonly Tf.Variable[];
  /** What is the same on all ranks: the variables, and weights that no gradient changes. */
  readonly weights: readonly Tf.Variable[];
  readonly optimizer: Tf.Optimizer;
  readonly loss: (batch: B) => Tf.Tensor;
  readonly mask: string | undefined;
  readonly preemption: DataParallelOptions<B>['preemption'];
}

/** @throws DataRefError INVALID_ARGUMENT naming the option; MISSING_PACKAGE */
export function checkOptions<B>(given: DataParallelOptions<B>): Training<B> {
  const options = optionsOf('dataParallel', given);
  const { collective, model, variables, optimizer, loss, mask, preemption, tf: own, ...unknown } = options;
  refuseUnknown('dataParallel', unknown, NAMES);
  checkJob({ collective, preemption });
  if ((model === undefined) === (variables === undefined))
    throw refused('give the model that is trained, or variables: one of the two');
  if (model !== undefined && !hasMethod(model, 'getWeights'))
    throw refused('model must be a model of tf.sequential or tf.model');
  if (variables !== undefined && !Array.isArray(variables)) throw refused('variables must be a list of tf.Variable');
  const used: unknown = optimizer ?? model?.optimizer;
  if (!hasMethod(used, 'applyGradients'))
    throw refused('optimizer must be one of tf.train, such as tf.train.adam(), where the model was not compiled');
  if (typeof loss !== 'function') throw refused('loss must be a function of a batch that gives the loss of each row');
  if (mask !== undefined && typeof mask !== 'string') throw refused('mask must be the name of a tensor of the batches');
  const tf = own ?? peerTf();
  const trained = variables ?? weightsOf(model?.trainableWeights);
  if (trained.length === 0) throw refused('there is nothing to train: the model has no trainable weights');
  for (const variable of trained) checkVariable(tf, variable);
  const weights = variables ?? weightsOf(model?.weights);
  return { tf, collective, variables: trained, weights, optimizer: used as Tf.Optimizer, loss, mask, preemption };
}

const NAMES = [
  'collective',
  'model',
  'variables',
  'optimizer',
  'loss',
  'mask',
  'preemption',
  'tf',
] satisfies (keyof DataParallelOptions<unknown>)[];

/** A weight of a layer reads as its variable, whatever the declarations say. */
function weightsOf(weights: Tf.LayersModel['weights'] = []): Tf.Variable[] {
  return weights.map((weight) => weight.read() as Tf.Variable);
}

function checkVariable(tf: typeof Tf, variable: unknown): void {
  if (!(variable instanceof tf.Variable))
    throw refused(
      'a variable is none of this TensorFlow.js: where the program uses another copy than the installed one, pass it on as tf',
    );
  if (variable.dtype !== 'float32')
    throw refused(`variable ${variable.name}: only float32 can be trained, got ${variable.dtype}`);
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof (Object(value) as Readonly<Record<string, unknown>>)[name] === 'function';
}
