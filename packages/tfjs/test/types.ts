// Checked by tsc, never run: the types that flow from records to tensors, and what must not compile.
import type * as tf from '@tensorflow/tfjs';
import { field, fromColumns, fromRecords, ndarray, type DataRef, type Schema, type StreamState } from '@dataref/core';
import type { FileStorage } from '@dataref/core/fs';
import { checkpoints, loadCheckpoint, saveCheckpoint, toTfDataset, type TfDataset } from '@dataref/tfjs';

// oxlint-disable typescript/no-unnecessary-type-parameters -- how types are compared
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<T extends true>(): T | undefined {
  return undefined;
}
// oxlint-enable typescript/no-unnecessary-type-parameters

export async function usage(model: tf.LayersModel, storage: FileStorage): Promise<void> {
  const range = await storage.fetch('range', '1.0', { schema: field('float64') });
  const walkthrough = range
    .stream({ startOffset: 5, shuffle: true, shuffleSeed: 777 })
    .toTfDataset()
    .repeat(3)
    .batch(5);
  await walkthrough.forEachAsync((batch) => batch.print());
  is<Equal<typeof walkthrough, TfDataset<tf.Tensor>>>();

  const mnist = fromColumns({ image: ndarray(new Uint8Array(784), [1, 28, 28]), label: new Uint8Array(1) });
  const train = await storage.submit(mnist, 'mnist', '1.0');
  const dataset = train
    .stream({ shuffle: true, shuffleSeed: 777 })
    .batch(32)
    .toTfDataset({
      columns: { xs: { column: 'image', dtype: 'float32', scale: 1 / 255 }, ys: { column: 'label', oneHot: 10 } },
    });
  is<Equal<typeof dataset, TfDataset<{ xs: tf.Tensor; ys: tf.Tensor }>>>();
  const saved = await loadCheckpoint('./mnist.ckpt', { model });
  await model.fitDataset(dataset.resume(saved?.state), {
    epochs: 3,
    initialEpoch: saved?.epoch ?? 0,
    callbacks: checkpoints('./mnist.ckpt', { model, dataset }, { everyBatches: 100, signals: ['SIGTERM'] }),
  });
  await model.fitDataset(dataset, {
    epochs: 3,
    callbacks: [checkpoints('./mnist.ckpt', { model, dataset }), { onEpochEnd: () => undefined }],
  });
  await loadCheckpoint(new URL('file:///mnist.ckpt'), { model, dataset });
  const state: StreamState = dataset.state;
  await saveCheckpoint('./mnist.ckpt', { model, state });

  const whole = train.stream().batch(2).toTfDataset();
  is<Equal<typeof whole, TfDataset<{ image: tf.Tensor; label: tf.Tensor }>>>();
  is<Equal<ReturnType<typeof whole.take>, typeof whole>>();
  const mapped = whole.map(({ image }) => image);
  await mapped.forEachAsync((image) => image.print());
  const again = toTfDataset(train.stream().batch(2), { columns: { xs: 'image' } });
  is<Equal<typeof again, TfDataset<{ xs: tf.Tensor }>>>();

  const masked = mnist
    .stream()
    .globalBatch(2, { remainder: 'pad' })
    .toTfDataset({ columns: { xs: 'image' }, mask: 'real' });
  is<Equal<typeof masked, TfDataset<{ xs: tf.Tensor; real: tf.Tensor }>>>();
  for await (const { real } of masked) real.print();

  const nested = await fromRecords([{ xs: { image: ndarray(new Float32Array(4), [2, 2]) }, ys: 1 }]);
  nested
    .stream()
    .batch(2)
    .toTfDataset({ columns: { a: 'xs.image', b: 'ys' } });
  const deep = nested.stream().toTfDataset();
  is<Equal<typeof deep, TfDataset<{ xs: { image: tf.Tensor }; ys: tf.Tensor }>>>();
  const tuple = await fromRecords([[ndarray(new Int32Array(4), [4]), 'a'] as const]);
  const pairs: TfDataset<[tf.Tensor, tf.Tensor]> = tuple.stream().toTfDataset();
  await pairs.forEachAsync(([numbers, letter]) => [numbers, letter]);

  const untyped = await storage.fetch('mnist', '1.0');
  const loose = untyped
    .stream()
    .batch(2)
    .toTfDataset({ columns: { xs: 'image', ys: 'label' } });
  is<Equal<typeof loose, TfDataset<{ xs: tf.Tensor; ys: tf.Tensor }>>>();
  await untyped
    .stream()
    .toTfDataset()
    .forEachAsync((record) => record.image.print());
  const generic = <S extends Schema>(data: DataRef<S>): tf.data.Dataset<any> =>
    toTfDataset(data.stream().batch(2)) as never;
  generic(mnist);

  // @ts-expect-error no such column
  mnist.stream().toTfDataset({ columns: { xs: 'imagee' } });
  // @ts-expect-error no such column in a specification
  mnist.stream().toTfDataset({ columns: { xs: { column: 'imagee', scale: 1 } } });
  // @ts-expect-error no such dtype
  mnist.stream().toTfDataset({ columns: { xs: { column: 'image', dtype: 'float' } } });
  // @ts-expect-error no such option
  mnist.stream().toTfDataset({ colums: {} });
  // @ts-expect-error records have no padding
  mnist.stream().toTfDataset({ columns: { xs: 'image' }, mask: 'mask' });
  // @ts-expect-error a dataset is no stream
  toTfDataset(mnist);
  // @ts-expect-error what a filter gives has no states
  checkpoints('./mnist.ckpt', { model, dataset: dataset.filter(() => true) });
  // @ts-expect-error `every` is not `everyBatches`
  checkpoints('./mnist.ckpt', { model, dataset }, { every: 1 });
  // @ts-expect-error no such signal
  checkpoints('./mnist.ckpt', { model, dataset }, { signals: ['SIGTREM'] });
  // @ts-expect-error a checkpoint needs the state
  await saveCheckpoint('./mnist.ckpt', { model });
  // @ts-expect-error the tensors are those that were named
  dataset.map(({ image }) => image);
}
