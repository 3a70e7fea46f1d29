export { dataParallel } from './data-parallel/tfjs/data-parallel.js';
export type { DataParallel, DataParallelOptions, DataParallelStep } from './data-parallel/tfjs/types.js';
