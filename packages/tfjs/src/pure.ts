export { checkpoints, type CheckpointsOptions } from './checkpoint/callback.js';
export { loadCheckpoint, saveCheckpoint, type Checkpoint, type CheckpointParts } from './checkpoint/checkpoint.js';
export { fromTfDataset } from './from-tf-dataset.js';
export { toTfDataset } from './to-tf-dataset.js';
export type {
  AnyStream,
  BatchesToTfDataset,
  ResumableDataset,
  TensorsOf,
  TfColumns,
  TfDataset,
  TfOptions,
  ToTfDataset,
} from './types.js';
