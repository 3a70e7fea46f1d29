import { DataRefError } from '@dataref/core';

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

/** Refuses a folder at once, and not when the first epoch has been trained. @throws DataRefError INVALID_ARGUMENT */
export function checkCheckpointPath(path: unknown): asserts path is string | URL {
  if (!(path instanceof URL) && (typeof path !== 'string' || path === ''))
    throw refused(`checkpoints: the path must be text or a file: URL, such as './run.ckpt', got ${String(path)}`);
  // Where there are no files, as in a browser, writing says so.
  const stat = globalThis.process?.getBuiltinModule?.('node:fs').statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    throw refused(`checkpoints: ${String(path)} is a folder; give a file, such as './run.ckpt'`);
}

/** @throws DataRefError INVALID_ARGUMENT for a model that is given in the place of `{ model }` */
export function checkParts(call: string, parts: unknown, shown: string): void {
  const { model } = (typeof parts === 'object' && parts !== null ? parts : {}) as { readonly model?: unknown };
  // A sequential model has a model inside.
  if (isModel(model) && !isModel(parts)) return;
  throw refused(`${call} needs ${shown}${isModel(parts) ? ', not the model alone' : ''}: ${call}(path, ${shown})`);
}

function isModel(value: unknown): boolean {
  return typeof (value as { readonly getWeights?: unknown } | null | undefined)?.getWeights === 'function';
}

function refused(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
