import { DataRefError, type NDArray } from '@dataref/core';
import { shown, type Parameter } from './layer.js';

/**
 * The values of the parameters, by name.
 * @param ignored names of the rest of a training state
 * @throws DataRefError NOT_FOUND, INVALID_ARGUMENT, SCHEMA_MISMATCH
 */
export function bakedParameters(
  given: Readonly<Record<string, NDArray>>,
  parameters: readonly Parameter[],
  ignored: readonly string[],
): ReadonlyMap<string, Float32Array> {
  const names = parameters.map(({ name }) => name);
  const missing = names.filter((name) => !Object.hasOwn(given, name));
  if (missing.length > 0)
    throw new DataRefError(
      'NOT_FOUND',
      `inferenceGraph: no value for ${missing.join(', ')}; it needs ${names.join(', ')}`,
      { details: { missing } },
    );
  const unknown = Object.keys(given).filter((name) => !names.includes(name) && !ignored.includes(name));
  if (unknown.length > 0)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `inferenceGraph: the network has no parameter ${unknown.join(', ')}; it has ${names.join(', ')}`,
      { details: { unknown } },
    );
  return new Map(parameters.map((parameter) => [parameter.name, dataOf(given[parameter.name] as NDArray, parameter)]));
}

function dataOf({ dtype, shape, data }: NDArray, parameter: Parameter): Float32Array {
  const { name } = parameter;
  const isRight =
    dtype === 'float32' &&
    data instanceof Float32Array &&
    shape.length === parameter.shape.length &&
    shape.every((size, i) => size === parameter.shape[i]);
  if (isRight) return data;
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `inferenceGraph: parameter ${name} must be float32 ${shown(parameter.shape)}, got ${dtype} ${shown(shape)}`,
    { details: { parameter: name, expected: parameter.shape, got: shape } },
  );
}
