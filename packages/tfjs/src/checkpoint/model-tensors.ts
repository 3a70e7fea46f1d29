import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';
import type { Contents, Entry, NamedArray } from './container.js';

/** Scalars that optimizers keep to themselves, without which a resumed step differs. */
const PRIVATE_SCALARS: Readonly<Record<string, readonly string[]>> = {
  Adam: ['accBeta1', 'accBeta2'],
  Adamax: ['accBeta1', 'iteration'],
};
/** Adamax cannot tell its slots. */
const ADAMAX_SLOTS = ['accumulatedFirstMoment', 'accumulatedWeightedInfNorm'] as const;
/** No optimizer has more: RMSProp with momentum, centered. */
const MAX_SLOTS = 4;

interface Slot {
  readonly originalName: string;
  readonly variable: Tf.Variable;
}
type Private = Record<string, Tf.Variable & Slot[]>;

export const MODEL = 'model.';
export const OPTIMIZER = 'optimizer.';
export const PRIVATE = 'private.';

/** The weights of a model, in its order. Their names are for people: they differ from process to process. */
export async function readModel(model: Tf.LayersModel): Promise<NamedArray[]> {
  const { weights } = model;
  return Promise.all(model.getWeights().map((tensor, i) => named(`${MODEL}${i}.${weights[i]?.name ?? ''}`, tensor)));
}

/** What an optimizer has gathered: the number of steps, its slots, and its private scalars. */
export async function readOptimizer(optimizer: Tf.Optimizer): Promise<NamedArray[]> {
  const own = optimizer as unknown as Private;
  const kind = optimizer.getClassName();
  const scalars = (PRIVATE_SCALARS[kind] ?? []).map((name) => named(`${PRIVATE}${name}`, own[name] as Tf.Tensor));
  if (kind === 'Adamax') {
    const slots = ADAMAX_SLOTS.flatMap((list) => own[list] as Slot[]);
    const steps = {
      name: `${OPTIMIZER}0.iter`,
      dtype: 'int32',
      shape: [],
      data: Int32Array.of(optimizer.iterations),
    } as const;
    const values = slots.map(({ originalName, variable }, i) =>
      named(`${OPTIMIZER}${i + 1}.${originalName}`, variable),
    );
    return [steps, ...(await Promise.all(values)), ...(await Promise.all(scalars))];
  }
  const weights = await weightsOf(optimizer);
  const values = await Promise.all(weights.map(({ name, tensor }, i) => named(`${OPTIMIZER}${i}.${name}`, tensor)));
  // The number of steps is a tensor made for the occasion; the others are the optimizer's own.
  if (weights[0]?.name === 'iter') weights[0].tensor.dispose();
  return [...values, ...(await Promise.all(scalars))];
}

async function weightsOf(optimizer: Tf.Optimizer) {
  try {
    return await optimizer.getWeights();
  } catch (error) {
    throw new DataRefError(
      'UNSUPPORTED',
      `the optimizer ${optimizer.getClassName()} does not tell its state (getWeights), so training could not go on from a checkpoint`,
      { cause: error },
    );
  }
}

async function named(name: string, tensor: Tf.Tensor): Promise<NamedArray> {
  const dtype = tensor.dtype as NamedArray['dtype'];
  return { name, dtype, shape: tensor.shape, data: await tensor.data() };
}

/**
 * Refuses a file whose tensors are not this model's, before they are read.
 * @throws DataRefError STATE_MISMATCH naming the weight
 */
export function checkModel({ entries }: Contents, where: string, model: Tf.LayersModel): void {
  const refuse = (problem: string): never => {
    throw new DataRefError('STATE_MISMATCH', `${where} was made by another model: ${problem}`, {
      details: { path: where },
    });
  };
  const saved = entries.filter(({ name }) => name.startsWith(MODEL));
  const weights = model.getWeights();
  weights.forEach((weight, i) => {
    const name = model.weights[i]?.name ?? `weight ${i}`;
    const entry = saved[i];
    if (entry === undefined) refuse(`it has ${saved.length} weights, this one ${weights.length}, such as ${name}`);
    else if (entry.dtype !== weight.dtype || String(entry.shape) !== String(weight.shape)) {
      refuse(
        `${nameOf(entry)} is ${entry.dtype}[${String(entry.shape)}] there, and ${name} is ${weight.dtype}[${String(weight.shape)}] here`,
      );
    }
  });
  if (saved.length > weights.length)
    refuse(`it has ${saved.length} weights, such as ${nameOf(saved.at(-1) as Entry)}, this one has ${weights.length}`);
  const modelBytes = saved.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const others = entries.reduce((sum, { byteLength }) => sum + byteLength, 0) - modelBytes;
  if (others > MAX_SLOTS * modelBytes + 2 ** 20)
    refuse(`beside ${modelBytes} bytes of weights it has ${others} of an optimizer's`);
}

function nameOf({ name }: Entry): string {
  return name.split('.').slice(2).join('.');
}

/** Puts weights back. */
export function writeModel(tf: typeof Tf, model: Tf.LayersModel, arrays: readonly NamedArray[]): void {
  const tensors = arrays.map((array) => tensorOf(tf, array));
  model.setWeights(tensors);
  tf.dispose(tensors);
}

/** Puts back what `readOptimizer` read, into an optimizer that may not have made a step yet. */
export async function writeOptimizer(
  tf: typeof Tf,
  optimizer: Tf.Optimizer,
  arrays: readonly NamedArray[],
): Promise<void> {
  const own = optimizer as unknown as Private;
  const isPrivate = ({ name }: NamedArray): boolean => name.startsWith(PRIVATE);
  const weights = arrays
    .filter((array) => !isPrivate(array))
    .map((array) => ({ name: array.name.split('.').slice(2).join('.'), tensor: tensorOf(tf, array) }));
  if (optimizer.getClassName() === 'Adamax') {
    const [steps, ...slots] = weights;
    const half = slots.length / 2;
    ADAMAX_SLOTS.forEach((list, i) => {
      tf.dispose((own[list] as Slot[]).map(({ variable }) => variable));
      const made = slots.slice(i * half, (i + 1) * half);
      (own as unknown as Record<string, Slot[]>)[list] = made.map(({ name, tensor }) => ({
        originalName: name,
        variable: tensor.variable(false),
      }));
    });
    Object.assign(optimizer, { iterations_: (await (steps as { tensor: Tf.Tensor }).tensor.data())[0] });
  } else {
    const before = await weightsOf(optimizer);
    await optimizer.setWeights(weights);
    tf.dispose(before.map(({ tensor }) => tensor));
  }
  tf.dispose(weights.map(({ tensor }) => tensor));
  for (const array of arrays.filter(isPrivate)) {
    const value = tensorOf(tf, array);
    (own[array.name.slice(PRIVATE.length)] as Tf.Variable).assign(value);
    value.dispose();
  }
}

function tensorOf(tf: typeof Tf, { data, shape, dtype }: NamedArray): Tf.Tensor {
  return tf.tensor(data, [...shape], dtype);
}
