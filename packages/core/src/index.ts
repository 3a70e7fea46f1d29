export { DataRefError, isDataRefError, type DataRefErrorOptions, type ErrorCode } from './errors.js';
export { concat, defineDataRef, fromColumns, fromRecords } from './dataset/make.js';
export type { DataRef, RecordSource } from './dataset/types.js';
export { openStorage, type OpenStorageOptions } from './open-storage.js';
export { concatStreams, mix, zip, type JoinOptions } from './stream/join-streams.js';
export type { MixOptions } from './stream/mix.js';
export { progressBar, type Progress, type WaitedFor } from './progress.js';
export { ndarray, type NDArray } from './schema/ndarray.js';
export { field } from './schema/schema.js';
export type { ArrayTypes, DType, NumericDType, TypedArray } from './schema/dtypes.js';
export type {
  Awaitable,
  Column,
  ColumnPath,
  ColumnSpec,
  Columns,
  ColumnsOf,
  Field,
  InputOf,
  Padded,
  PaddedSchema,
  RecordOf,
  Records,
  Schema,
  SchemaOf,
  SchemaOfColumns,
  SelectedSchema,
  Shape,
} from './schema/types.js';
export type { IoOptions } from './store/object-store.js';
export type {
  DatasetInfo,
  ProgressOptions,
  ShareOptions,
  ShareWriter,
  Storage,
  SubmitOptions,
} from './storage/types.js';
export { explain } from './stream/explain.js';
export { joinStates } from './stream/join-states.js';
export { rewind } from './stream/rewind.js';
export { diff, type StateDifference } from './stream/state-diff.js';
export {
  parseState,
  type JoinState,
  type SourceState,
  type StateNode,
  type StepState,
  type StreamState,
} from './stream/state.js';
// With a star, so that adapters can add methods to Stream and BatchStream: TypeScript merges them only through one.
export type * from './stream/types.js';
