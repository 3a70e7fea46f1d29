import { DataRefError, type BatchStream, type Flow, type Schema } from '@dataref/core';
import { BatchFlow, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { Binding } from './binding.js';
import { readModel } from './model-inputs.js';
import { OrtFlow } from './ort-flow.js';
import type { OrtBatch, OrtOptions, OrtWorkerFeeds, OrtWorkerOptions } from './types.js';

const OPTIONS = ['session', 'ort', 'inputs', 'maskInput', 'reuseBuffers', 'poisonExpired', 'signal'];

/**
 * A stream's batches as feeds: `for await (const { feeds } of feeds) await session.run(feeds)`. Each input is a tensor of
 * the model's dtype, the rows along the first dimension. Narrower dtypes are widened; what could lose values is refused,
 * unless `inputs` asks for it.
 * @throws DataRefError INVALID_ARGUMENT for an unknown input, column or option, and where dtype, rank or a dimension do not
 *   fit; UNSUPPORTED for columns of bytes; RAGGED. Where only a map's first result tells the schema, while iterating.
 *   LOSSY_CAST while iterating, for a value that a conversion asked for cannot hold
 */
export function toOrtFeeds<S extends Schema>(stream: BatchStream<S>, options: OrtOptions<S>): Flow<OrtBatch>;
/**
 * Feeds of the batches that a module's default export gives, which runs in a worker thread: reading and maps overlap with
 * `session.run`, which blocks the event loop of its own thread. The arrays are moved here, a few batches ahead.
 * @param module `new URL('./batches.js', import.meta.url)`, a module `export default () => dataset.stream(…).batch(…)`
 * @throws DataRefError as above, INVALID_ARGUMENT for a module that cannot be loaded, gives no batches or waits for what
 *   never comes; the reason of `signal`; while iterating WORKER_DIED where the thread ends, after which `resume(feeds.state)` goes on
 *   in a new one
 */
export function toOrtFeeds(module: URL, options: OrtWorkerOptions<any>): Promise<OrtWorkerFeeds>;
export function toOrtFeeds(
  source: BatchStream | URL,
  options: OrtOptions<any> & OrtWorkerOptions<any>,
): Flow<OrtBatch> | Promise<OrtWorkerFeeds> {
  const { session, ort, inputs, maskInput, reuseBuffers, poisonExpired, signal, ...unknown } = optionsOf(
    'toOrtFeeds',
    options,
  );
  const isModule = source instanceof URL;
  refuseUnknown('toOrtFeeds', unknown, OPTIONS);
  if (typeof ort?.Tensor !== 'function') {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      "toOrtFeeds: ort must be the onnxruntime that the session is of: import * as ort from 'onnxruntime-node'",
    );
  }
  const model = readModel(session, inputs, maskInput);
  if (isModule) {
    if (reuseBuffers !== undefined)
      throw new DataRefError(
        'INVALID_ARGUMENT',
        'toOrtFeeds: reuseBuffers is not for a worker thread, whose arrays are moved here and are not moved back',
      );
    return import('./worker/worker-feeds.js').then(({ openWorkerFeeds }) =>
      openWorkerFeeds(source, { ort, model, poison: poisonExpired === true, signal }),
    );
  }
  if (signal !== undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'toOrtFeeds: signal is for a module in a worker thread, while it makes its stream; close() ends the feeds of a stream',
    );
  if (!(source instanceof BatchFlow)) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'toOrtFeeds needs batches: dataref.stream().batch(32).toOrtFeeds(…), or the URL of a module that makes them',
    );
  }
  const binding = new Binding(model, source);
  if (source.knownSchema !== undefined) binding.resolve(source.knownSchema);
  const recipe = { ort, binding, reuse: reuseBuffers === true, poison: poisonExpired === true };
  return new OrtFlow(source.pick(binding), recipe);
}
