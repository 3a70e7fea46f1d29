import { DataRefError, type NumericDType } from '@dataref/core';
import { checkColumnSpec, didYouMean, isNumericDType, type CheckedSpec } from '@dataref/core/adapter';
import type { OrtModel } from './types.js';

/** One input of a model that takes tensors of a dtype that columns can have. */
export interface ModelInput {
  readonly name: string;
  readonly type: NumericDType | 'string';
  /** Numbers are fixed; names stand for one size each, and '' for any. */
  readonly shape: readonly (number | string)[];
}

/** An input that no column can feed, and why. */
interface OtherInput {
  readonly name: string;
  readonly problem: string;
}

/** What of a session and its options the binding needs: plain data, which can be sent to another thread. */
export interface ModelBinding {
  readonly model: readonly (ModelInput | OtherInput)[];
  /** Inputs that a training step hands on from step to step, by outputs NAME.out, or gives the gradients of, by outputs NAME.grad. */
  readonly state: readonly string[];
  /** By inputs; undefined where they go by name. */
  readonly specs: ReadonlyMap<string, CheckedSpec> | undefined;
  readonly mask: ModelInput | undefined;
}

/** What to say where a session does not tell what its model takes. */
export const TOO_OLD =
  '. Sessions have it since onnxruntime 1.22; an older one is too old: npm i onnxruntime-node@latest';

export function isModelInput(input: ModelInput | OtherInput): input is ModelInput {
  return 'shape' in input;
}

/** An error about one input. */
export function inputError(input: string, problem: string, column?: string): DataRefError {
  const details = column === undefined ? { input } : { input, column };
  return new DataRefError('INVALID_ARGUMENT', `toOrtFeeds: input ${input}: ${problem}`, { details });
}

/**
 * What can be checked before there is a schema.
 * @throws DataRefError INVALID_ARGUMENT naming the input
 */
export function readModel(
  session: OrtModel,
  inputs: Readonly<Record<string, unknown>> | undefined,
  maskInput: string | undefined,
): ModelBinding {
  if (!Array.isArray(session?.inputMetadata)) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `toOrtFeeds: session must be an InferenceSession with inputMetadata: await ort.InferenceSession.create(…)${TOO_OLD}`,
    );
  }
  const model = session.inputMetadata.map(({ name, isTensor, ...tensor }): ModelInput | OtherInput => {
    if (!isTensor) return { name, problem: 'it takes no tensor' };
    if (name === '__proto__') return { name, problem: 'feeds cannot have that name, which is taken in every object' };
    const { type, shape } = tensor as ModelInput;
    const isColumns = type === 'string' || isNumericDType(type);
    return isColumns ? { name, type, shape } : { name, problem: `columns have no dtype ${String(type)}` };
  });
  const names = model.map(({ name }) => name);
  const outputs = new Set(session.outputNames);
  const known = (name: string, option: string): ModelInput => {
    const input = model.find((candidate) => candidate.name === name);
    if (input === undefined)
      throw inputError(
        name,
        `${option}: the model has no such input; it has ${names.join(', ')}${didYouMean(name, names)}`,
      );
    if (!isModelInput(input)) throw inputError(name, `${input.problem}, so that no column can feed it`);
    return input;
  };
  if (maskInput !== undefined && typeof maskInput !== 'string')
    throw new DataRefError('INVALID_ARGUMENT', `toOrtFeeds: maskInput must be the name of an input`);
  const mask = maskInput === undefined ? undefined : known(maskInput, 'maskInput');
  if (mask !== undefined) checkMask(mask);
  return {
    model,
    state: names.filter((name) => outputs.has(`${name}.out`) || outputs.has(`${name}.grad`)),
    specs: inputs === undefined ? undefined : checkInputs(inputs, (name) => known(name, 'inputs'), mask),
    mask,
  };
}

function checkMask({ name, type, shape }: ModelInput): void {
  if ((type === 'float32' || type === 'bool') && shape.length === 1) return;
  throw inputError(name, `maskInput must be float32[N] or bool[N], and it is ${describe(type, shape)}`);
}

function checkInputs(
  inputs: unknown,
  known: (name: string) => ModelInput,
  mask: ModelInput | undefined,
): ReadonlyMap<string, CheckedSpec> {
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      "toOrtFeeds: inputs must be an object, by the names of the model's inputs: inputs: { x: 'image' }",
    );
  }
  const specs = new Map<string, CheckedSpec>();
  for (const [name, spec] of Object.entries(inputs)) {
    const { type } = known(name);
    if (name === mask?.name) throw inputError(name, 'it is the maskInput; leave it out of inputs');
    const checked = checkColumnSpec('inputs', name, spec);
    if (checked.dtype !== undefined && checked.dtype !== type)
      throw inputError(name, `it takes ${type}, and dtype asks for ${checked.dtype}: leave dtype out`);
    specs.set(name, checked);
  }
  if (specs.size === 0) throw new DataRefError('INVALID_ARGUMENT', 'toOrtFeeds: inputs: name at least one input');
  return specs;
}

/** A dtype and a shape as people write them. */
export function describe(type: string, shape: readonly (number | string | null)[]): string {
  return `${type}[${shape.map((size) => (size === null || size === '' ? '?' : size)).join(', ')}]`;
}
