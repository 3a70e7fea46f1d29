// Adds toOrtFeeds() to streams of batches. '@dataref/onnx/pure' has the functions without this.
import type { BatchStream, Schema } from '@dataref/core';
import { BatchFlow, RecordFlow } from '@dataref/core/adapter';
import { toOrtFeeds } from './pure.js';
import type { OrtOptions, ToOrtFeeds } from './feeds/types.js';

export * from './pure.js';

declare module '@dataref/core' {
  interface BatchStream<S extends Schema = any> {
    /** The batches as feeds for `session.run` of onnxruntime. */
    readonly toOrtFeeds: ToOrtFeeds<S>;
  }
}

// On streams of records too, where it says that feeds need batches.
for (const { prototype } of [RecordFlow, BatchFlow]) {
  Object.defineProperty(prototype, 'toOrtFeeds', {
    configurable: true,
    writable: true,
    value(this: BatchStream, options: OrtOptions<any>) {
      return toOrtFeeds(this, options);
    },
  });
}
