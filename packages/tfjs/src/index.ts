// Adds toTfDataset() to streams. '@dataref/tfjs/pure' has the functions without this.
import type { Schema } from '@dataref/core';
import { BatchFlow, RecordFlow } from '@dataref/core/adapter';
import { toTfDataset } from './to-tf-dataset.js';
import type { AnyStream, BatchesToTfDataset, TfOptions, ToTfDataset } from './types.js';

export * from './pure.js';

declare module '@dataref/core' {
  interface Stream<S extends Schema = any> {
    /** A true tf.data.Dataset of the records. */
    readonly toTfDataset: ToTfDataset<S>;
  }
  interface BatchStream<S extends Schema = any> {
    /** A true tf.data.Dataset of the batches. */
    readonly toTfDataset: BatchesToTfDataset<S>;
  }
}

for (const { prototype } of [RecordFlow, BatchFlow]) {
  Object.defineProperty(prototype, 'toTfDataset', {
    configurable: true,
    writable: true,
    value(this: AnyStream<any>, options?: TfOptions) {
      return toTfDataset(this, options);
    },
  });
}
