import { createRequire } from 'node:module';
import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';

/**
 * The installed TensorFlow.js, loaded when it is first needed.
 * @throws DataRefError MISSING_PACKAGE
 */
export function peerTf(): typeof Tf {
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs') as typeof Tf;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error;
    throw new DataRefError(
      'MISSING_PACKAGE',
      '@dataref/horovod-shard/tfjs works with TensorFlow.js, which is not installed next to it: npm i @tensorflow/tfjs. ' +
        'Where it lies elsewhere, import it and pass it on: dataParallel({ tf, … })',
      { cause: error, details: { package: '@tensorflow/tfjs' } },
    );
  }
}
