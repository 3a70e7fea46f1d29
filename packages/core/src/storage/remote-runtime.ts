import { withCache } from '../store/cache/caching-store.js';
import { nodeRuntime } from './node-runtime.js';
import type { Runtime } from './runtime.js';

/** Node, for storages that are far away: with a cache on its disk. */
export const remoteRuntime: Runtime = { ...nodeRuntime, withCache };
