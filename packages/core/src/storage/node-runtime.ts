import { totalmem } from 'node:os';
import { nonce } from '../store/nonce.js';
import { isRunning, thisProcess } from '../store/process-identity.js';
import type { Runtime } from './runtime.js';

/** Node: processes that can be asked for, a disk, and a quarter of the machine's memory, at most 2 GiB. */
export const nodeRuntime: Runtime = {
  identity: { self: thisProcess, isRunning },
  nonce,
  memoryBytes: Math.min(totalmem() / 4, 2 ** 31),
  withCache: undefined,
};
