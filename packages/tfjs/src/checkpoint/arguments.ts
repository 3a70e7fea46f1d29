import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';

/** Handlers of these are never called. */
const UNSTOPPABLE: readonly unknown[] = ['SIGKILL', 'SIGSTOP'];

/** @throws DataRefError INVALID_ARGUMENT for what is no signal of this system, or one that no process can handle */
export function checkSignals(signals: unknown): asserts signals is readonly NodeJS.Signals[] {
  if (!Array.isArray(signals)) throw refused(`checkpoints: signals must be a list, such as ["SIGTERM"]`);
  if (signals.length === 0) return;
  const known: readonly unknown[] = Object.keys(process.getBuiltinModule('node:os').constants.signals);
  const wrong: unknown = signals.find((name) => !known.includes(name) || UNSTOPPABLE.includes(name));
  if (wrong === undefined) return;
  const problem = UNSTOPPABLE.includes(wrong) ? ', which ends a process at once' : '';
  throw refused(
    `checkpoints: signals are names such as "SIGTERM" and "SIGINT", got ${JSON.stringify(wrong)}${problem}`,
  );
}

/** A path as `checkPath` takes it, refused at once where it is a folder, and not when the first epoch has been trained. */
export function checkCheckpointPath(path: unknown): void {
  const checked = checkPath('checkpoints', path);
  // Where there are no files, as in a browser, writing says so.
  const stat = globalThis.process?.getBuiltinModule?.('node:fs').statSync(checked, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    throw refused(`checkpoints: ${String(path)} is a folder; give a file, such as './run.ckpt'`);
}

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
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${what}: the path must be a file's path or its file: URL, such as './run.ckpt', got ${given}`,
  );
}

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
