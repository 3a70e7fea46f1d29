import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { countOf, describeValue, oneOf, optionsOf, refuseUnknown, storeOf } from '@dataref/core/adapter';
import { Crew } from './crew.js';
import type { Hardware } from './hardware.js';
import { local } from './hardware/local.js';
import type { JobOptions } from './job.js';
import type { SendOptions } from './types.js';

const BATCH_SIZE = 1000;

/** What `send` was given, checked. @throws DataRefError INVALID_ARGUMENT */
export function checkedOptions(options: SendOptions): { readonly crew: Crew; readonly job: Omit<JobOptions, 'args'> } {
  const {
    module,
    export: name = 'default',
    hardware = local(),
    input = 'record',
    batchSize,
    ...others
  } = optionsOf('send', options);
  const { schema, storage, env = {}, recordsPerShare, revision = '', ...unknown } = others;
  refuseUnknown('send', unknown, [
    'module',
    'export',
    'hardware',
    'input',
    'batchSize',
    'schema',
    'storage',
    'env',
    'recordsPerShare',
    'revision',
  ]);
  if (typeof name !== 'string' || name === '') throw wrong('export must be the name of an export', name);
  if (typeof revision !== 'string') throw wrong('revision must be a string', revision);
  if (typeof (hardware as Partial<Hardware> | null)?.open !== 'function')
    throw wrong('hardware must be local(), mpi(), ssh() or of your own making', hardware);
  oneOf('send: input', input, ['record', 'batch']);
  if (batchSize !== undefined && input !== 'batch')
    throw wrong("batchSize is for input: 'batch'; the function is given records", batchSize);
  if (storage !== undefined) storeOf('send: storage', storage);
  return {
    crew: new Crew(hardware, { env: checkedEnv(env) }),
    job: {
      fn: { module: checkedModule(module), export: name },
      batchSize: input === 'batch' ? countOf('send: batchSize', batchSize ?? BATCH_SIZE, 1) : undefined,
      schema,
      storage,
      recordsPerShare: recordsPerShare === undefined ? undefined : countOf('send: recordsPerShare', recordsPerShare, 1),
      revision,
    },
  };
}

function checkedModule(module: unknown): string {
  const text = module instanceof URL || typeof module === 'string' ? String(module) : '';
  if (isFileUrl(text)) return new URL(text).href;
  throw wrong("module must be the file: URL of a module, new URL('./preprocess.js', import.meta.url)", module);
}

function isFileUrl(text: string): boolean {
  try {
    fileURLToPath(text);
    return true;
  } catch {
    return false;
  }
}

function checkedEnv(env: unknown): Readonly<Record<string, string>> {
  const entries = typeof env === 'object' && env !== null ? Object.entries(env) : undefined;
  const bad = entries?.find(([, value]) => typeof value !== 'string');
  // Not what it has: that may be a secret.
  if (entries === undefined || bad !== undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `send: env must be an object of strings${bad ? `; ${JSON.stringify(bad[0])} is none` : ''}`,
    );
  return Object.fromEntries(entries);
}

function wrong(problem: string, got: unknown): DataRefError {
  return new DataRefError(
    'INVALID_ARGUMENT',
    `send: ${problem}, got ${got instanceof URL ? got.href : describeValue(got)}`,
  );
}
