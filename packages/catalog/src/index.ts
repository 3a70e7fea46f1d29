export type { Hardware, Workforce, WorkforceOptions } from './send/hardware.js';
export { local, type LocalOptions } from './send/hardware/local.js';
export { mpi, type MpiOptions } from './send/hardware/mpi.js';
export { ssh, type SshOptions } from './send/hardware/ssh.js';
export { runTask } from './send/run-task.js';
export { send } from './send/send.js';
export type { Ref, Send, SendInput, SendOptions } from './send/types.js';
export { openCatalog, type Catalog } from './catalog.js';
export type { BlobBytes } from './blob/bytes.js';
export type { SaveBlobOptions, SaveOptions, WriteOptions } from './options.js';
export type { Metadata } from './record/types.js';
export type { BlobInfo, Filter, TableInfo, VersionInfo } from './record/version-info.js';
export type { Table } from './table/table.js';
export type { IoOptions } from '@dataref/core';
export { fromArrow } from './arrow/from-arrow.js';
export { fromDanfo, fromPolars, type DanfoFrame, type PolarsFrame } from './arrow/from-frames.js';
export { fromParquet, type FromParquetOptions } from './parquet/from-parquet.js';
export { tfModel, type TfModelHandler } from './blob/tf-model.js';
export {
  onnxModel,
  type LoadOnnxOptions,
  type OnnxBytes,
  type OnnxModelHandler,
  type OnnxRuntime,
} from './blob/onnx-model.js';
