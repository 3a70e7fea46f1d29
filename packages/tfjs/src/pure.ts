export { toTfDataset } from './to-tf-dataset.js';
export type { AnyStream, ResumableDataset, TensorsOf, TfColumns, TfDataset, TfOptions, ToTfDataset } from './types.js';
