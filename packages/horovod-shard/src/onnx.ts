export { dataParallel } from './data-parallel/onnx/data-parallel.js';
export type {
  DataParallel,
  DataParallelOptions,
  DataParallelStep,
  GlobalBatch,
  OrtSession,
  Parameters,
} from './data-parallel/onnx/types.js';
