import { DataRefError, type NumericDType } from '@dataref/core';
import { CHECKSUM } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import type { Parameters } from './types.js';

/** What of a graph's state: the input NAME, which the output `NAME.out` follows. */
export interface StateInput {
  readonly name: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
}

/** The roles of a training-step graph's inputs and outputs. */
export interface StepGraph {
  readonly state: readonly StateInput[];
  /** The inputs that a stream feeds. */
  readonly data: readonly ort.InferenceSession.ValueMetadata[];
  /** Shape of the input `lr`; undefined where there is none. */
  readonly rateShape: readonly number[] | undefined;
  /** Outputs that are scalars, `loss` not among them. */
  readonly metrics: readonly string[];
}

export const OUT = '.out';
export const LOSS = 'loss';
export const RATE = 'lr';

/** What holds the elements of each dtype that a state may have. */
const ARRAYS: Readonly<Record<NumericDType, readonly string[]>> = {
  bool: ['Uint8Array'],
  int8: ['Int8Array'],
  uint8: ['Uint8Array'],
  int16: ['Int16Array'],
  uint16: ['Uint16Array'],
  int32: ['Int32Array'],
  uint32: ['Uint32Array'],
  int64: ['BigInt64Array'],
  uint64: ['BigUint64Array'],
  float16: ['Uint16Array', 'Float16Array'],
  float32: ['Float32Array'],
  float64: ['Float64Array'],
};
const LOSS_DTYPES = ['float32', 'float64'];
/** Names that a checkpoint has for itself. */
const TAKEN = [CHECKSUM, '__metadata__'];

type Value = ort.InferenceSession.ValueMetadata;

/**
 * The roles of inputs and outputs, from what a session says of its model.
 * @throws DataRefError INVALID_ARGUMENT for a model that is no training step
 */
export function stepGraphOf(session: {
  readonly inputMetadata: readonly Value[];
  readonly outputMetadata: readonly Value[];
}): StepGraph {
  const inputs = new Map(session.inputMetadata.map((value) => [value.name, value]));
  const outputs = new Map(session.outputMetadata.map((value) => [value.name, value]));
  const loss = outputs.get(LOSS);
  if (loss === undefined || !isScalar(loss) || !LOSS_DTYPES.includes(loss.type))
    throw wrongModel(`it should have an output ${LOSS}, float32[], and has ${listed([...outputs.values()])}`);
  const state = [...outputs.values()]
    .filter(({ name }) => name.endsWith(OUT))
    .map((output) => stateOf(inputs.get(output.name.slice(0, -OUT.length)), output));
  if (state.length === 0)
    throw wrongModel(`it has no output NAME${OUT} for an input NAME, and would learn nothing: is it for inference?`);
  const names = new Set(state.map(({ name }) => name));
  const rate = names.has(RATE) ? undefined : inputs.get(RATE);
  if (rate !== undefined && (!isScalar(rate) || rate.type !== 'float32'))
    throw wrongModel(`the input ${RATE}, the learning rate, should be float32[], and is ${typeOf(rate)}`);
  return {
    state,
    data: session.inputMetadata.filter((value) => !names.has(value.name) && value !== rate),
    rateShape: (rate as { shape: readonly number[] } | undefined)?.shape,
    metrics: session.outputMetadata
      .filter((value) => !value.name.endsWith(OUT) && value.name !== LOSS && isScalar(value) && value.type !== 'string')
      .map(({ name }) => name),
  };
}

function stateOf(input: Value | undefined, output: Value): StateInput {
  const { name } = output;
  const wanted = name.slice(0, -OUT.length);
  if (input === undefined) throw wrongModel(`it has an output ${name} and no input ${wanted}`);
  if (typeOf(input) !== typeOf(output))
    throw wrongModel(
      `the input ${wanted} is ${typeOf(input)}, the output ${name} is ${typeOf(output)}: they must agree`,
    );
  if (TAKEN.includes(wanted)) throw wrongModel(`an input ${wanted} cannot be saved: give it another name`);
  if (!input.isTensor || !Object.hasOwn(ARRAYS, input.type) || !input.shape.every((n) => typeof n === 'number'))
    throw wrongModel(`the state ${wanted} is ${typeOf(input)}; it must be of numbers and of a fixed shape`);
  return { name: wanted, dtype: input.type as NumericDType, shape: input.shape };
}

/**
 * Refuses first values that do not fit the graph.
 * @throws DataRefError INVALID_ARGUMENT naming those that are missing, too many, or of another dtype or shape
 */
export function checkParameters(parameters: Parameters, { state, data }: StepGraph): void {
  const missing = state.filter(({ name }) => !Object.hasOwn(parameters, name));
  if (missing.length > 0)
    throw refused(
      `parameters lacks ${missing.map((input) => `${input.name} (${typeOf(input)})`).join(', ')}: every input NAME with an output NAME${OUT} needs a first value`,
      { missing: missing.map(({ name }) => name) },
    );
  const known = new Map(state.map((input) => [input.name, input]));
  for (const [name, array] of Object.entries(parameters)) {
    const input = known.get(name);
    if (input === undefined) {
      const isInput = data.some((value) => value.name === name);
      throw refused(
        isInput
          ? `parameters has ${name}, for whose input the model has no output ${name}${OUT}: training would not change it`
          : `parameters has ${JSON.stringify(name)}, which the model has no input for; its state is ${[...known.keys()].join(', ')}`,
        { name },
      );
    }
    if (!isArray(array))
      throw refused(`parameters.${name} must be an NDArray, { dtype, shape, data }, such as ndarray() makes`, { name });
    const held = Object.prototype.toString.call(array.data).slice(8, -1);
    if (!ARRAYS[input.dtype].includes(held) && array.dtype === input.dtype)
      throw refused(
        `parameters.${name} is ${input.dtype}, and its data must be ${ARRAYS[input.dtype][0]}, got ${held}`,
        {
          name,
        },
      );
    const elements = array.shape.reduce((product, n) => product * n, 1);
    if (typeOf(array) !== typeOf(input) || array.data.length !== elements)
      throw refused(
        `parameters.${name} must be ${typeOf(input)}, got ${typeOf(array)} of ${array.data.length} elements`,
        {
          name,
        },
      );
  }
}

function isArray(value: unknown): boolean {
  const { dtype, shape, data } = Object(value) as { dtype?: unknown; shape?: unknown; data?: unknown };
  return typeof dtype === 'string' && Array.isArray(shape) && ArrayBuffer.isView(data);
}

/** Whether it is an NDArray of as many elements of its dtype as its shape says, of a name that a checkpoint can have. */
export function isSavable(name: string, value: unknown): boolean {
  if (!isArray(value) || TAKEN.includes(name)) return false;
  const { dtype, shape, data } = value as Parameters[string];
  const held = Object.prototype.toString.call(data).slice(8, -1);
  const elements = shape.reduce((product, n) => product * n, 1);
  return Object.hasOwn(ARRAYS, dtype) && ARRAYS[dtype].includes(held) && data.length === elements;
}

function isScalar(value: Value): value is ort.InferenceSession.TensorValueMetadata {
  return value.isTensor && value.shape.every((n) => n === 1);
}

type Typed = { readonly dtype: string; readonly shape: readonly number[] };

/** `float32[784,128]` */
export function typeOf(value: Value | Typed): string {
  if ('dtype' in value) return `${value.dtype}[${String(value.shape)}]`;
  return value.isTensor ? `${value.type}[${String(value.shape)}]` : 'no tensor';
}

function listed(values: readonly Value[]): string {
  return values.map((value) => `${value.name} (${typeOf(value)})`).join(', ');
}

function wrongModel(problem: string): DataRefError {
  return refused(`the session's model is no training step: ${problem}. @dataref/onnx/graph makes such models`);
}

/** What a run gave is not what the model says. */
export function outputError(name: string, got: ort.Tensor | undefined): DataRefError {
  const given = got === undefined ? 'nothing' : `${got.type}[${String(got.dims)}]`;
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `trainingLoop: session.run gave ${given} for the output ${name}, which is not what outputMetadata says. A run of one's own must pass feeds and fetches on, and return what it gets`,
    { details: { output: name } },
  );
}

export function refused(problem: string, details: Readonly<Record<string, unknown>> = {}): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `trainingLoop: ${problem}`, { details });
}
