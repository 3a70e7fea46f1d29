import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';
import type { TensorArray } from './model-tensors.js';

/** What each optimizer of tfjs keeps for a weight, in the order of its `getWeights`: the ends of the slots' names. */
const SLOT_KINDS: Readonly<Record<string, readonly string[]>> = {
  SGD: [],
  Momentum: ['momentum'],
  Adagrad: ['accumulator'],
  Adadelta: ['accum_grad', 'accum_var'],
  RMSProp: ['rms', 'momentum'],
  Adam: ['m', 'v'],
  Adamax: ['m', 'v'],
};

/** Scalars that optimizers keep to themselves, without which a resumed step differs. */
const PRIVATE_SCALARS: Readonly<Record<string, readonly string[]>> = {
  Adam: ['accBeta1', 'accBeta2'],
  Adamax: ['iteration', 'accBeta1'],
};

/** The kinds of slots that the optimizer has for each weight; undefined for a class that is not of tfjs. */
export function slotKinds(optimizer: Tf.Optimizer): readonly string[] | undefined {
  const kind = optimizer.getClassName();
  if (!Object.hasOwn(SLOT_KINDS, kind)) return undefined;
  const kinds = SLOT_KINDS[kind] as readonly string[];
  return kind === 'RMSProp' && optimizer.getConfig()['centered'] === true ? [...kinds, 'mg'] : kinds;
}

/** The optimizer's private scalars, which are its own properties. @throws DataRefError UNSUPPORTED */
export function privateScalars(optimizer: Tf.Optimizer): ReadonlyMap<string, Tf.Variable> {
  const kind = optimizer.getClassName();
  const names = Object.hasOwn(PRIVATE_SCALARS, kind) ? (PRIVATE_SCALARS[kind] as readonly string[]) : [];
  return new Map(
    names.map((name) => {
      if (!Object.hasOwn(optimizer, name)) throw unsupported(`the optimizer ${kind} has no ${name} here`);
      return [name, (optimizer as unknown as Record<string, Tf.Variable>)[name] as Tf.Variable];
    }),
  );
}

/**
 * The weights that `optimizer` may have slots for. A compiled model's optimizer trains those that could be
 * trained when it was compiled, whatever was frozen since; another one any of the model's.
 */
export function trainedWeights(model: Tf.LayersModel, optimizer: Tf.Optimizer): Tf.LayersModel['weights'] {
  const compiled = model as unknown as Compiled & { readonly model?: Compiled };
  const collected = (compiled.model ?? compiled).collectedTrainableWeights;
  const isOwn = (model.optimizer as Tf.Optimizer | undefined) === optimizer;
  return isOwn ? (collected ?? model.trainableWeights) : model.weights;
}

interface Compiled {
  readonly collectedTrainableWeights?: Tf.LayersModel['weights'] | null;
}

/** The place of each of the model's weights among its layers': the order of its weights changes when layers are frozen. */
export function weightOrder(model: Tf.LayersModel): number[] {
  const places = new Map<number, number>();
  for (const layer of leavesOf(model)) {
    for (const { id } of layer.weights) if (!places.has(id)) places.set(id, places.size);
  }
  return model.weights.map(({ id }) => places.get(id) ?? -1);
}

function leavesOf(layer: Tf.layers.Layer): Tf.layers.Layer[] {
  const { layers } = layer as Partial<Tf.LayersModel>;
  return layers === undefined ? [layer] : layers.flatMap(leavesOf);
}

/**
 * The slots' names, each its weight's and its kind: `dense/kernel/m`. Slots that came from elsewhere have other names;
 * where there is one of each kind for every weight, of its shape, they are the weights' in order.
 * @throws DataRefError UNSUPPORTED for slots of weights that are not the model's
 */
export function slotNames(
  kinds: readonly string[],
  slots: readonly TensorArray[],
  trained: Tf.LayersModel['weights'],
  kindName: string,
): string[] {
  const each = slots.length / Math.max(kinds.length, 1);
  const endOf = (i: number): string => `/${kinds[Math.floor(i / each)] ?? ''}`;
  const known = new Set(trained.map(({ name }) => name));
  const stranger = slots.find(({ name }, i) => !name.endsWith(endOf(i)) || !known.has(name.slice(0, -endOf(i).length)));
  if (stranger === undefined) return slots.map(({ name }) => name);
  const isAlike = slots.every(({ shape }, i) => String(shape) === String(trained[i % each]?.shape));
  if (each === trained.length && isAlike) return slots.map((_, i) => `${String(trained[i % each]?.name)}${endOf(i)}`);
  throw unsupported(
    `the optimizer ${kindName} has ${stranger.name}, which belongs to none of the weights that it trains of the model: ` +
      'a checkpoint would lack that weight; give each model an optimizer of its own',
  );
}

export function unsupported(problem: string, cause?: unknown): DataRefError {
  return new DataRefError('UNSUPPORTED', `${problem}, so training could not go on from a checkpoint`, {
    ...(cause !== undefined && { cause }),
  });
}
