// Checked by tsc, never run: the types that flow from records to feeds, and what must not compile.
import type * as web from 'onnxruntime-common';
import * as ort from 'onnxruntime-node';
import { fromColumns, ndarray, type DataRef, type Flow, type Schema } from '@dataref/core';
import { toOrtFeeds, type OrtBatch, type OrtWorkerFeeds } from '@dataref/onnx';

// oxlint-disable typescript/no-unnecessary-type-parameters -- how types are compared
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<T extends true>(): T | undefined {
  return undefined;
}
// oxlint-enable typescript/no-unnecessary-type-parameters

export async function usage(session: ort.InferenceSession, inBrowser: typeof web, untyped: DataRef): Promise<void> {
  const mnist = fromColumns({ image: ndarray(new Uint8Array(784), [1, 28, 28]), label: new Uint8Array(1) });
  const batches = mnist.stream({ shuffle: true, shuffleSeed: 1 }).batch(64, { remainder: 'drop' });
  const feeds = batches.toOrtFeeds({ session, ort, inputs: { input: 'image', labels: { column: 'label', dtype: 'int64' } } }); // prettier-ignore
  is<Equal<typeof feeds, Flow<OrtBatch>>>();
  for await (const { feeds: tensors, state } of feeds.resume(undefined).take(3)) {
    await session.run({ ...tensors, lr: new ort.Tensor('float32', [0.1], []) });
    void state.epoch;
  }
  toOrtFeeds(batches, { session, ort: inBrowser, maskInput: 'mask', reuseBuffers: true, poisonExpired: false });
  const names = { inputMetadata: session.inputMetadata };
  untyped
    .stream()
    .batch(2)
    .toOrtFeeds({ session: names, ort, inputs: { x: 'anything' } });
  const generic = <S extends Schema>(data: DataRef<S>): Flow<OrtBatch> =>
    toOrtFeeds(data.stream().batch(2), { session, ort });
  generic(mnist);

  const overlapped = await toOrtFeeds(new URL('./batches.js', import.meta.url), { session, ort, inputs: { x: 'image' } }); // prettier-ignore
  is<Equal<typeof overlapped, OrtWorkerFeeds>>();
  for await (const { feeds: tensors } of overlapped.resume(undefined)) await session.run(tensors);
  await overlapped.close();

  // @ts-expect-error feeds need batches
  mnist.stream().toOrtFeeds({ session, ort });
  // @ts-expect-error no such column
  batches.toOrtFeeds({ session, ort, inputs: { x: 'imagee' } });
  // @ts-expect-error no such column in a specification
  batches.toOrtFeeds({ session, ort, inputs: { x: { column: 'imagee' } } });
  // @ts-expect-error the onnxruntime is needed
  batches.toOrtFeeds({ session });
  // @ts-expect-error no such option
  batches.toOrtFeeds({ session, ort, reuse: true });
  // @ts-expect-error arrays of a worker thread are moved
  toOrtFeeds(new URL('file:///batches.js'), { session, ort, reuseBuffers: true });
  // @ts-expect-error what a worker makes is taken and skipped in its module
  overlapped.take(1);
}
