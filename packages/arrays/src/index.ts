export {
  openArrays,
  type Arrays,
  type ComponentsGiven,
  type DatasetOptions,
  type OpenArraysOptions,
  type Opened,
} from './arrays.js';
export type { ArrayOptions, ChunkedArray, Selected, SetOptions } from './array/types.js';
export type { CompressOptions, Compressor } from './codec/codecs-of.js';
export type { ArrayDataset, Components } from './dataset/array-dataset.js';
export { importHubV1, type ImportHubV1Options } from './hub-v1/import.js';
export type { HubFiles } from './hub-v1/files.js';
export type { NodeInfo } from './names/listing.js';
export type { Scalar } from './selection/copy.js';
export { slice, type Index, type Slice } from './selection/slice.js';
export type { ArrayValue, NestedValue, ValueOptions } from './values/value.js';
export type { IoOptions } from '@dataref/core';
