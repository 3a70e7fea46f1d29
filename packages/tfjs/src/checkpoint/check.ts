import { DataRefError } from '@dataref/core';
import { corrupt, textOf, type TensorContents, type TensorEntry } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { labelOf, MODEL, OPTIMIZER, PRIVATE, TF_DTYPES } from './model-tensors.js';
import { privateScalars, slotKinds, trainedWeights, weightOrder } from './slots.js';

/** What a checkpoint says of model and optimizer beside their tensors. */
export interface Description {
  /** The optimizer's class; null where there was none. */
  readonly optimizer: string | null;
  /** The optimizer's `getConfig()`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** How many tensors the optimizer had, its private ones not among them. */
  readonly slots: number;
  /** `weightOrder` of the model. */
  readonly order: readonly number[];
}

/**
 * Refuses a file that does not fit model and optimizer, tensor by tensor, before any is read or changed.
 * @throws DataRefError CORRUPT where the file contradicts itself; STATE_MISMATCH where it is of something else
 */
export function checkEntries(
  contents: TensorContents,
  where: string,
  about: Description,
  model: Tf.LayersModel,
  optimizer: Tf.Optimizer | undefined,
): void {
  const unheld = contents.entries.find(({ dtype }) => !TF_DTYPES.includes(dtype));
  if (unheld !== undefined) throw corrupt(where, `${unheld.name} is ${unheld.dtype}, which no tensor of tfjs is`);
  const parts = partsOf(contents.entries, where);
  checkModel(parts.model, where, model);
  checkOrder(about.order, model, where);
  checkKind(about, optimizer, where);
  if (parts.slots.length !== about.slots)
    throw corrupt(where, `it has ${parts.slots.length} tensors ${OPTIMIZER}* and should have ${about.slots}`);
  checkSlots(parts, where, model, optimizer);
  checkPrivate(parts.scalars, where, optimizer);
}

interface Parts {
  readonly model: readonly TensorEntry[];
  readonly slots: readonly TensorEntry[];
  readonly scalars: readonly TensorEntry[];
}

/** The tensors by what they are of, their names numbered without a gap. */
function partsOf(entries: readonly TensorEntry[], where: string): Parts {
  const starting = (prefix: string): TensorEntry[] => entries.filter(({ name }) => name.startsWith(prefix));
  const parts = { model: starting(MODEL), slots: starting(OPTIMIZER), scalars: starting(PRIVATE) };
  const inOrder = [...parts.model, ...parts.slots, ...parts.scalars];
  const stray = entries.find((entry, i) => entry !== inOrder[i]);
  if (stray !== undefined) throw corrupt(where, `${stray.name} is not where it belongs`);
  for (const [prefix, list] of [
    [MODEL, parts.model],
    [OPTIMIZER, parts.slots],
  ] as const) {
    const wrong = list.find(({ name }, i) => !name.startsWith(`${prefix}${i}.`));
    if (wrong !== undefined) throw corrupt(where, `${wrong.name} should be ${prefix}${list.indexOf(wrong)}`);
  }
  return parts;
}

function checkModel(saved: readonly TensorEntry[], where: string, model: Tf.LayersModel): void {
  const refuse = (problem: string): never => {
    throw mismatch(where, `was made by another model: ${problem}`);
  };
  const weights = model.getWeights();
  weights.forEach((weight, i) => {
    const name = model.weights[i]?.name ?? `weight ${i}`;
    const entry = saved[i];
    if (entry === undefined) refuse(`it has ${saved.length} weights, this one ${weights.length}, such as ${name}`);
    else if (!isLike(entry, weight))
      refuse(`${labelOf(entry)} is ${typeOf(entry)} there, and ${name} is ${typeOf(weight)} here`);
  });
  const extra = saved.at(-1);
  if (extra !== undefined && saved.length > weights.length)
    refuse(`it has ${saved.length} weights, such as ${labelOf(extra)}, this one has ${weights.length}`);
}

function checkOrder(saved: readonly number[], model: Tf.LayersModel, where: string): void {
  const here = weightOrder(model);
  const at = here.findIndex((place, i) => place !== saved[i]);
  if (at < 0 && saved.length === here.length) return;
  throw mismatch(
    where,
    `was made by a model whose weights have another order, from ${String(model.weights[at]?.name)} on: freeze the same layers`,
  );
}

/**
 * The class and the switches (settings that are no numbers, such as `centered`) say what the slots mean and must be
 * equal. Numbers, such as the learning rate, may be changed on purpose: the optimizer here keeps its own.
 */
function checkKind(saved: Description, optimizer: Tf.Optimizer | undefined, where: string): void {
  const here = optimizer?.getClassName() ?? null;
  const details = { checkpoint: saved.optimizer, model: here };
  if (saved.optimizer !== here) {
    const cure = here === null ? 'compile the model before loadCheckpoint' : 'use the optimizer that it was made with';
    const made = saved.optimizer === null ? 'no optimizer' : `the optimizer ${saved.optimizer}`;
    throw mismatch(where, `was made with ${made}, here is ${here ?? 'none'}: ${cure}`, details);
  }
  const config = configOf(optimizer);
  for (const name of new Set([...Object.keys(config), ...Object.keys(saved.config)])) {
    const [there, now] = [saved.config, config].map((from) => (Object.hasOwn(from, name) ? from[name] : undefined));
    if (there === now || (!isSwitch(there) && !isSwitch(now))) continue;
    throw mismatch(where, `was made with ${here} of ${name}: ${textOf(there)}, here it is ${textOf(now)}`, details);
  }
}

/** An optimizer's settings as JSON has them; none for none. */
export function configOf(optimizer: Tf.Optimizer | undefined): Record<string, unknown> {
  return JSON.parse(JSON.stringify(optimizer?.getConfig() ?? {})) as Record<string, unknown>;
}

function isSwitch(value: unknown): boolean {
  return typeof value === 'boolean' || typeof value === 'string';
}

/** Slots of a class that is not of tfjs are known by their weights' names only: `setWeights` checks the others. */
function checkSlots(parts: Parts, where: string, model: Tf.LayersModel, optimizer: Tf.Optimizer | undefined): void {
  if (optimizer === undefined) {
    if (parts.slots[0] !== undefined) throw corrupt(where, `it has ${parts.slots[0].name} and no optimizer`);
    return;
  }
  const kinds = slotKinds(optimizer);
  if (kinds === undefined) return;
  const [steps, ...slots] = parts.slots;
  if (steps?.name !== `${OPTIMIZER}0.iter` || !isLike(steps, { dtype: 'int32', shape: [] }))
    throw corrupt(where, `${steps?.name ?? `${OPTIMIZER}0.iter`} is not the number of steps`);
  const each = slots.length / Math.max(kinds.length, 1);
  if (!Number.isInteger(each) || (kinds.length === 0 && slots.length > 0))
    throw corrupt(where, `${String(slots.at(-1)?.name)} is one of ${slots.length} slots, of ${kinds.length} kinds`);
  const owners = ownersOf(slots, kinds, each, where);
  const weights = new Map(parts.model.map((entry, i) => [labelOf(entry), { entry, name: model.weights[i]?.name }]));
  const trained = new Set(trainedWeights(model, optimizer).map(({ name }) => name));
  slots.forEach((slot, i) => {
    const weight = weights.get(owners[i] as string);
    if (weight === undefined) throw corrupt(where, `${slot.name} is of no weight that it has`);
    if (!isLike(slot, weight.entry))
      throw corrupt(where, `${slot.name} is ${typeOf(slot)}, its weight is ${typeOf(weight.entry)}`);
    if (!trained.has(String(weight.name)))
      throw mismatch(where, `has ${slot.name}, and ${String(weight.name)} is not trained here: freeze the same layers`);
  });
}

/** The names of the slots' weights: `each` that differ, and the same again for every kind. @throws DataRefError CORRUPT */
function ownersOf(slots: readonly TensorEntry[], kinds: readonly string[], each: number, where: string): string[] {
  const ends = slots.map((_, i) => `/${String(kinds[Math.floor(i / each)])}`);
  const owners = slots.map((slot, i) => labelOf(slot).slice(0, -String(ends[i]).length));
  const first = new Map(owners.slice(0, each).map((owner, i) => [owner, i]));
  slots.forEach((slot, i) => {
    if (!labelOf(slot).endsWith(String(ends[i])) || first.get(owners[i] as string) !== i % each)
      throw corrupt(where, `${slot.name} is not where a slot ${String(ends[i]).slice(1)} of that weight belongs`);
  });
  return owners;
}

function checkPrivate(saved: readonly TensorEntry[], where: string, optimizer: Tf.Optimizer | undefined): void {
  const own = optimizer === undefined ? new Map<string, Tf.Variable>() : privateScalars(optimizer);
  const unknown = saved.find(({ name }) => !own.has(name.slice(PRIVATE.length)));
  if (unknown !== undefined) throw corrupt(where, `${unknown.name} is nothing that its optimizer has`);
  for (const [name, scalar] of own) {
    const entry = saved.find((item) => item.name === `${PRIVATE}${name}`);
    if (entry === undefined) throw corrupt(where, `${PRIVATE}${name} is missing`);
    if (!isLike(entry, scalar)) throw corrupt(where, `${entry.name} is ${typeOf(entry)}, not ${typeOf(scalar)}`);
  }
}

type Typed = { readonly dtype: string; readonly shape: readonly number[] };

function isLike(a: Typed, b: Typed): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]);
}

function typeOf({ dtype, shape }: Typed): string {
  return `${dtype}[${String(shape)}]`;
}

function mismatch(where: string, problem: string, details: Record<string, unknown> = {}): DataRefError {
  return new DataRefError('STATE_MISMATCH', `${where} ${problem}`, { details: { path: where, ...details } });
}
