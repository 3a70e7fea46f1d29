import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';

/**
 * A file's path, as it was given.
 * @throws DataRefError INVALID_ARGUMENT for what can be none
 */
export function checkPath(what: string, path: unknown): string | URL {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  const isUrl = Object.prototype.toString.call(path) === '[object URL]';
  const { protocol, hostname, pathname } = Object(path) as Partial<URL>;
  const isLocal = protocol === 'file:' && (hostname === '' || process.platform === 'win32');
  if (isUrl && isLocal && !/%00|%2f|%5c/iu.test(String(pathname))) return path as URL;
  const given = isUrl || typeof path === 'string' ? JSON.stringify(String(path)) : typeof path;
  throw new DataRefError('INVALID_ARGUMENT', `${what}: path must be a file's path or its file: URL, got ${given}`);
}

/**
 * The object that has model, optimizer and what else there is.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkParts<P extends { readonly model: Tf.LayersModel }>(what: string, parts: P): P {
  const { model, optimizer } = Object(parts) as { readonly model?: unknown; readonly optimizer?: unknown };
  for (const [name, value, method] of [
    ['model', model, 'getWeights'],
    ['optimizer', optimizer, 'getClassName'],
  ] as const) {
    if (value === undefined && name === 'optimizer') continue;
    if (typeof (Object(value) as Record<string, unknown>)[method] === 'function') continue;
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${what}: ${name} must be ${name === 'model' ? 'a model of tf.sequential or tf.model' : 'an optimizer of tf.train'}, as in ${what}(path, { model, … }), got ${value === null ? 'null' : typeof value}`,
    );
  }
  return parts;
}
