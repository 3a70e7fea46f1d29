import type { NDArray } from '@dataref/core';
import type { NamedArray, TensorEntry } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { privateScalars, slotKinds, slotNames, trainedWeights, unsupported } from './slots.js';

/** What the tensors of tfjs that we save may be. */
export const TF_DTYPES: readonly string[] = ['float32', 'int32', 'bool'];

/** A tensor's values with its name in a checkpoint. */
export type TensorArray = NamedArray & NDArray<'float32' | 'int32' | 'bool', readonly number[]>;

/** Adamax cannot tell its slots. */
const ADAMAX_SLOTS = ['accumulatedFirstMoment', 'accumulatedWeightedInfNorm'] as const;

interface Slot {
  readonly originalName: string;
  readonly variable: Tf.Variable;
}
type Private = Record<string, Tf.Variable & Slot[]>;

export const MODEL = 'model.';
export const OPTIMIZER = 'optimizer.';
export const PRIVATE = 'private.';

/** The weights of a model, in its order. Their names are for people: they differ from process to process. */
export async function readModel(model: Tf.LayersModel): Promise<TensorArray[]> {
  const { weights } = model;
  return Promise.all(model.getWeights().map((tensor, i) => named(`${MODEL}${i}.${weights[i]?.name ?? ''}`, tensor)));
}

/**
 * What an optimizer has gathered: the number of steps, its slots, and its private scalars.
 * @throws DataRefError UNSUPPORTED
 */
export async function readOptimizer(model: Tf.LayersModel, optimizer: Tf.Optimizer): Promise<TensorArray[]> {
  const scalars = [...privateScalars(optimizer)].map(([name, tensor]) => named(`${PRIVATE}${name}`, tensor));
  const [steps, ...slots] = await (optimizer.getClassName() === 'Adamax' ? readAdamax : readWeights)(optimizer);
  const kinds = slotKinds(optimizer);
  const names =
    kinds === undefined
      ? slots.map(({ name }) => name)
      : slotNames(kinds, slots, trainedWeights(model, optimizer), optimizer.getClassName());
  const all = [...(steps === undefined ? [] : [steps]), ...slots.map((slot, i) => ({ ...slot, name: names[i] ?? '' }))];
  return [
    ...all.map((array, i) => ({ ...array, name: `${OPTIMIZER}${i}.${array.name}` })),
    ...(await Promise.all(scalars)),
  ];
}

async function readAdamax(optimizer: Tf.Optimizer): Promise<TensorArray[]> {
  const own = optimizer as unknown as Private;
  const slots = ADAMAX_SLOTS.flatMap((list) => own[list] as Slot[]);
  const steps = { name: 'iter', dtype: 'int32', shape: [], data: Int32Array.of(optimizer.iterations) } as const;
  return [steps, ...(await Promise.all(slots.map(({ originalName, variable }) => named(originalName, variable))))];
}

async function readWeights(optimizer: Tf.Optimizer): Promise<TensorArray[]> {
  const weights = await weightsOf(optimizer);
  const values = await Promise.all(weights.map(({ name, tensor }) => named(name, tensor)));
  disposeSteps(weights);
  return values;
}

/** The number of steps is a tensor made for the occasion; the others are the optimizer's own. */
function disposeSteps(weights: readonly { readonly name: string; readonly tensor: Tf.Tensor }[]): void {
  if (weights[0]?.name === 'iter') weights[0].tensor.dispose();
}

async function weightsOf(optimizer: Tf.Optimizer) {
  try {
    return await optimizer.getWeights();
  } catch (error) {
    throw unsupported(`the optimizer ${optimizer.getClassName()} does not tell its state (getWeights)`, error);
  }
}

async function named(name: string, tensor: Tf.Tensor): Promise<TensorArray> {
  const dtype = tensor.dtype as TensorArray['dtype'];
  return { name, dtype, shape: tensor.shape, data: await tensor.data() };
}

/** What follows the kind and the number in a tensor's name. */
export function labelOf({ name }: Pick<TensorEntry, 'name'>): string {
  return name.split('.').slice(2).join('.');
}

/** Puts weights back. */
export function writeModel(tf: typeof Tf, model: Tf.LayersModel, arrays: readonly TensorArray[]): void {
  const tensors = arrays.map((array) => tensorOf(tf, array));
  model.setWeights(tensors);
  tf.dispose(tensors);
}

/**
 * Puts back what `readOptimizer` read and `checkEntries` let pass, into an optimizer that may not have made a step yet.
 * The slots get the names of this model's weights.
 */
export async function writeOptimizer(
  tf: typeof Tf,
  model: Tf.LayersModel,
  optimizer: Tf.Optimizer,
  arrays: readonly TensorArray[],
): Promise<void> {
  const rename = renaming(model, arrays);
  const weights = arrays
    .filter(({ name }) => name.startsWith(OPTIMIZER))
    .map((array) => ({ name: rename(labelOf(array)), tensor: tensorOf(tf, array) }));
  try {
    if (optimizer.getClassName() === 'Adamax') await writeAdamax(tf, optimizer, weights);
    else await writeWeights(tf, optimizer, weights);
  } finally {
    tf.dispose(weights.map(({ tensor }) => tensor));
  }
  const scalars = privateScalars(optimizer);
  for (const array of arrays.filter(({ name }) => name.startsWith(PRIVATE))) {
    const value = tensorOf(tf, array);
    scalars.get(array.name.slice(PRIVATE.length))?.assign(value);
    value.dispose();
  }
}

type Weight = { readonly name: string; readonly tensor: Tf.Tensor };

/** From slots' names in the file to those here: weights have other names in each process. */
function renaming(model: Tf.LayersModel, arrays: readonly TensorArray[]): (name: string) => string {
  const saved = arrays.filter(({ name }) => name.startsWith(MODEL));
  const names = new Map(saved.map((array, i) => [labelOf(array), model.weights[i]?.name]));
  return (name) => {
    const cut = name.lastIndexOf('/');
    const here = names.get(name.slice(0, Math.max(cut, 0)));
    return here === undefined ? name : `${here}${name.slice(cut)}`;
  };
}

async function writeWeights(tf: typeof Tf, optimizer: Tf.Optimizer, weights: Weight[]): Promise<void> {
  const before = await weightsOf(optimizer);
  try {
    await optimizer.setWeights(weights);
  } catch (error) {
    disposeSteps(before);
    throw error;
  }
  tf.dispose(before.map(({ tensor }) => tensor));
}

async function writeAdamax(tf: typeof Tf, optimizer: Tf.Optimizer, weights: readonly Weight[]): Promise<void> {
  const own = optimizer as unknown as Record<string, Slot[]>;
  const [steps, ...slots] = weights;
  const half = slots.length / 2;
  const iterations = (await (steps as Weight).tensor.data())[0];
  ADAMAX_SLOTS.forEach((list, i) => {
    tf.dispose((own[list] as Slot[]).map(({ variable }) => variable));
    const made = slots.slice(i * half, (i + 1) * half);
    own[list] = made.map(({ name, tensor }) => ({ originalName: name, variable: tensor.variable(false) }));
  });
  Object.assign(optimizer, { iterations_: iterations });
}

function tensorOf(tf: typeof Tf, { data, shape, dtype }: TensorArray): Tf.Tensor {
  return tf.tensor(data, [...shape], dtype);
}
