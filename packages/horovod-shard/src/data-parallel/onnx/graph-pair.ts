import type { NumericDType } from '@dataref/core';
import type * as ort from 'onnxruntime-common';
import { refused } from '../refused.js';
import type { OrtSession, Parameters } from './types.js';

/** What follows from step to step: an input NAME and an output `NAME.out` of the update graph. */
export interface StateInput {
  readonly name: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
}

/** The roles of the inputs and outputs of both graphs. */
export interface GraphPair {
  readonly state: readonly StateInput[];
  /** Of the state, what the gradient graph takes and gives gradients of. */
  readonly learned: readonly StateInput[];
  /** Outputs of one number, `loss` not among them. */
  readonly metrics: readonly string[];
  readonly hasRate: boolean;
}

type Value = ort.InferenceSession.ValueMetadata;

/** @throws DataRefError INVALID_ARGUMENT naming what does not fit */
export function graphPairOf(gradient: OrtSession, update: OrtSession): GraphPair {
  const [rows, given] = [byName(gradient.inputMetadata), byName(gradient.outputMetadata)];
  const [taken, made] = [byName(update.inputMetadata), byName(update.outputMetadata)];
  const names = endingIn('.grad', given);
  if (!isNumber(given.get('loss')) || names.length === 0)
    throw refused(
      `gradientSession should be of a graph with outputs loss, float32[], and NAME.grad, such as gradientGraph; it has ${[...given.keys()].join(', ')}`,
    );
  const state = endingIn('.out', made).map((name) => stateOf(name, taken.get(name), made.get(`${name}.out`)));
  if (state.length === 0)
    throw refused(
      `updateSession should be of a graph with outputs NAME.out, such as updateGraph; it has ${[...made.keys()].join(', ')}`,
    );
  const learned = names.map((name) => {
    const input = state.find((candidate) => candidate.name === name);
    const wanted = input === undefined ? 'nothing' : typeOf(input);
    const types = [rows.get(name), given.get(`${name}.grad`), taken.get(`${name}.grad`)].map(typeOf);
    if (input === undefined || input.dtype !== 'float32' || types.some((type) => type !== wanted))
      throw refused(
        `the sessions are not of one network: ${name} is ${types[0]} where gradients are made, its gradient ${types[1]}; where the update is made it is ${wanted}, its gradient ${types[2]}`,
      );
    return input;
  });
  const known = new Set(['lr', ...state.map(({ name }) => name), ...names.map((name) => `${name}.grad`)]);
  const unknown = [...taken.keys()].find((name) => !known.has(name));
  if (unknown !== undefined)
    throw refused(`the update graph has an input ${unknown}, and the gradient graph no such output`);
  return {
    state,
    learned,
    metrics: [...given.keys()].filter((name) => name !== 'loss' && isNumber(given.get(name))),
    hasRate: taken.has('lr'),
  };
}

/** @throws DataRefError INVALID_ARGUMENT naming values that are missing, too many, or of another dtype or shape */
export function checkParameters(parameters: Parameters, { state }: GraphPair): void {
  for (const input of state) {
    const { name } = input;
    const given = Object.hasOwn(Object(parameters), name) ? parameters[name] : undefined;
    const size = input.shape.reduce((product, n) => product * n, 1);
    if (typeOf(given) !== typeOf(input) || given?.data.length !== size)
      throw refused(`parameters.${name} must be ${typeOf(input)} of ${size} elements, got ${typeOf(given)}`);
  }
  const unknown = Object.keys(parameters).find((name) => state.every((input) => input.name !== name));
  if (unknown !== undefined) throw refused(`parameters has ${unknown}, for which the update graph has no input`);
}

function stateOf(name: string, input: Value | undefined, output: Value | undefined): StateInput {
  if (typeOf(input) !== typeOf(output))
    throw refused(`the update graph's input ${name} is ${typeOf(input)}, its output ${name}.out ${typeOf(output)}`);
  if (input?.isTensor !== true || input.type === 'string' || !input.shape.every((size) => typeof size === 'number'))
    throw refused(`the state ${name} must be of numbers and of a fixed shape, and is ${typeOf(input)}`);
  return { name, dtype: input.type as NumericDType, shape: input.shape };
}

function byName(values: readonly Value[]): ReadonlyMap<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}

function endingIn(end: string, values: ReadonlyMap<string, Value>): string[] {
  return [...values.keys()].filter((name) => name.endsWith(end)).map((name) => name.slice(0, -end.length));
}

/** Gradients are not among them, whose parameter may be one number. */
function isNumber(value: Value | undefined): boolean {
  if (value?.isTensor !== true || value.name.endsWith('.grad')) return false;
  return value.type === 'float32' && value.shape.length === 0;
}

/** `float32[784,128]` */
function typeOf(value: Value | Omit<StateInput, 'name'> | undefined): string {
  if (value === undefined) return 'nothing';
  if ('dtype' in value) return `${value.dtype}[${String(value.shape)}]`;
  return value.isTensor ? `${value.type}[${String(value.shape)}]` : 'no tensor';
}
