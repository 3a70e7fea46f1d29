export { toOrtFeeds } from './feeds/to-ort-feeds.js';
export type {
  BatchStreamModule,
  OrtBatch,
  OrtBindingOptions,
  OrtModel,
  OrtOptions,
  OrtWorkerFeeds,
  OrtWorkerOptions,
  ToOrtFeeds,
} from './feeds/types.js';
export { loadCheckpoint, type CheckpointFacts, type TrainedParameters } from './training/checkpoint.js';
export { saveCheckpoint, type CheckpointParts } from './training/save-checkpoint.js';
export { trainingLoop } from './training/training-loop.js';
export type {
  Parameters,
  TrainingCheckpoint,
  TrainingLoop,
  TrainingMoment,
  TrainingOptions,
  TrainingStep,
} from './training/types.js';
