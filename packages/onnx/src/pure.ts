export { toOrtFeeds } from './feeds/to-ort-feeds.js';
export type {
  BatchStreamModule,
  OrtBatch,
  OrtBindingOptions,
  OrtModel,
  OrtOptions,
  OrtWorkerFeeds,
  ToOrtFeeds,
} from './feeds/types.js';
