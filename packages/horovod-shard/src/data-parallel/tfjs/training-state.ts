import type * as Tf from '@tensorflow/tfjs';
import type { Collective } from '../../collective/types.js';
import { rootValue } from '../root-value.js';
import { refused } from '../refused.js';
import type { Training } from './arguments.js';

/** A tensor in what is sent. */
interface Sent {
  readonly name: string;
  readonly dtype: Tf.DataType;
  readonly shape: readonly number[];
}

/** What is sent, in this order, before the bytes of all of its tensors. */
interface Inventory {
  /** Class and settings. */
  readonly optimizer: string;
  readonly iterations: number;
  readonly weights: readonly Sent[];
  /** By the optimizer's properties. */
  readonly scalars: Readonly<Record<string, Sent>>;
  readonly slots: Readonly<Record<string, readonly Sent[]>>;
  /** Of all tensors together. */
  readonly byteLength: number;
  /** What goes along. */
  readonly value?: unknown;
}

interface Slot {
  readonly originalName: string;
  readonly variable: Tf.Variable;
}
type Held = Pick<Training<never>, 'tf' | 'weights' | 'optimizer'>;

/**
 * Gives all ranks the weights of rank 0 and what its optimizer has gathered, to the bit: variables, and lists of
 * variables with a name, which are properties of every optimizer of tf.train; `getWeights` does not tell all of them.
 * @param value of rank 0: plain JSON that goes along
 * @returns that value
 * @throws DataRefError COLLECTIVE_FAILED; INVALID_ARGUMENT where model or optimizer are others than those of rank 0
 */
export async function broadcastState(collective: Collective, held: Held, value: unknown): Promise<unknown> {
  const isRoot = collective.rank === 0;
  const packed = isRoot ? await pack(held, value) : undefined;
  const inventory = (await rootValue(collective, packed?.inventory)) as Inventory;
  const body = await collective.broadcast(packed?.body ?? new Uint8Array(inventory.byteLength));
  if (!isRoot) unpack(held, inventory, body);
  return isRoot ? value : inventory.value;
}

async function pack({ tf, weights, optimizer }: Held, value: unknown) {
  const { scalars, slots } = gathered(tf, optimizer);
  const told = {
    optimizer: describe(optimizer),
    iterations: optimizer.iterations,
    weights: weights.map(sent),
    scalars: Object.fromEntries(scalars.map(([name, variable]) => [name, sent(variable)])),
    slots: Object.fromEntries(
      slots.map(([name, list]) => [
        name,
        list.map(({ originalName, variable }) => ({ ...sent(variable), name: originalName })),
      ]),
    ),
    value,
  };
  const tensors = [
    ...weights,
    ...scalars.map(([, variable]) => variable),
    ...slots.flatMap(([, list]) => list.map(({ variable }) => variable)),
  ];
  const values = await Promise.all(tensors.map((tensor) => tensor.data()));
  const body = new Uint8Array(values.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let end = 0;
  for (const { buffer, byteOffset, byteLength } of values) {
    body.set(new Uint8Array(buffer, byteOffset, byteLength), end);
    end += byteLength;
  }
  return { inventory: { ...told, byteLength: body.length } satisfies Inventory, body };
}

function unpack({ tf, weights, optimizer }: Held, inventory: Inventory, body: Uint8Array): void {
  const isAlike =
    inventory.weights.length === weights.length &&
    inventory.weights.every(
      ({ dtype, shape }, i) => dtype === weights[i]?.dtype && String(shape) === String(weights[i]?.shape),
    );
  if (!isAlike)
    throw refused(`the weights here are ${shown(weights.map(sent))}, those of rank 0 ${shown(inventory.weights)}`);
  if (inventory.optimizer !== describe(optimizer))
    throw refused(`the optimizer here is ${describe(optimizer)}, that of rank 0 ${inventory.optimizer}`);
  let end = 0;
  const take = ({ dtype, shape }: Sent): Tf.Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const byteLength = count * (dtype === 'bool' ? 1 : 4);
    const { buffer } = body.slice(end, (end += byteLength));
    const values =
      dtype === 'bool' ? new Uint8Array(buffer) : dtype === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer);
    return tf.tensor(values, [...shape], dtype);
  };
  const own = gathered(tf, optimizer);
  const state: Record<string, unknown> = { iterations_: inventory.iterations };
  tf.tidy(() => {
    inventory.weights.forEach((weight, i) => weights[i]?.assign(take(weight)));
    const scalars = new Map(own.scalars);
    for (const [name, scalar] of Object.entries(inventory.scalars)) scalars.get(name)?.assign(take(scalar));
    for (const [name, list] of Object.entries(inventory.slots))
      state[name] = list.map((slot) => ({ originalName: slot.name, variable: tf.variable(take(slot), false) }));
  });
  tf.dispose(own.slots.flatMap(([, list]) => list.map(({ variable }) => variable)));
  Object.assign(optimizer, state);
}

/** What an optimizer has gathered, by its properties. */
function gathered(tf: typeof Tf, optimizer: Tf.Optimizer) {
  const scalars: [string, Tf.Variable][] = [];
  const slots: [string, readonly Slot[]][] = [];
  for (const [name, value] of Object.entries(optimizer) as [string, unknown][]) {
    if (value instanceof tf.Variable) scalars.push([name, value]);
    else if (Array.isArray(value) && value.every((slot) => (Object(slot) as Slot).variable instanceof tf.Variable))
      slots.push([name, value as readonly Slot[]]);
  }
  return { scalars, slots };
}

function describe(optimizer: Tf.Optimizer): string {
  return `${optimizer.getClassName()} ${JSON.stringify(optimizer.getConfig())}`;
}

function sent({ name, dtype, shape }: Tf.Variable): Sent {
  return { name, dtype, shape };
}

function shown(weights: readonly Sent[]): string {
  return `${weights.length} (${weights.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(', ')})`;
}
