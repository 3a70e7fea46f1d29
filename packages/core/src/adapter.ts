// What packages that feed a framework build upon. Its parts may change with any minor release.
export { BatchFlow } from './stream/batch-stream.js';
export { RecordFlow } from './stream/record-stream.js';
export { pickColumns } from './stream/pick-columns.js';
export { checkColumnSpec, refuseNoTensor, type CheckedSpec } from './stream/column-specs.js';
export { Iteration, type Supply } from './stream/iteration.js';
export { didYouMean } from './did-you-mean.js';
export { refuseUnknown, countOf, optionsOf } from './arguments.js';
export type { DataBatch } from './stream/batch.js';
export type { Picked, Picker } from './stream/recipe.js';
export { float16ToNumber } from './schema/float16.js';
export { isField, leavesOf, type Leaf } from './schema/schema.js';
export { CHECKSUM, corrupt, isTexts, textOf } from './tensor-file/container.js';
export type { Contents as TensorContents, Entry as TensorEntry, NamedArray } from './tensor-file/container.js';
export { readTensors, writeTensors } from './tensor-file/file.js';
export { checkFilePath, checkPath } from './tensor-file/path.js';
export { checkSignals, SignalListener } from './stop-signals.js';
export { orAbort } from './or-abort.js';
