import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';

/**
 * The object that has model, optimizer and what else there is.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkParts<P extends { readonly model: Tf.LayersModel }>(what: string, parts: P, shown: string): P {
  // A sequential model has a model inside.
  if (hasMethod(parts, 'getWeights'))
    throw refused(`${what} needs ${shown}, not the model alone: ${what}(path, ${shown})`);
  const { model, optimizer } = Object(parts) as { readonly model?: unknown; readonly optimizer?: unknown };
  for (const [name, value, method] of [
    ['model', model, 'getWeights'],
    ['optimizer', optimizer, 'getClassName'],
  ] as const) {
    if (value === undefined && name === 'optimizer') continue;
    if (hasMethod(value, method)) continue;
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${what}: ${name} must be ${name === 'model' ? 'a model of tf.sequential or tf.model' : 'an optimizer of tf.train'}, as in ${what}(path, ${shown}), got ${value === null ? 'null' : typeof value}`,
    );
  }
  return parts;
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof (Object(value) as Record<string, unknown>)[name] === 'function';
}

function refused(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
