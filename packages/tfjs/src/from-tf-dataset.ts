import { DataRefError, ndarray, type NDArray } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';

/**
 * The elements of a tf.data.Dataset as records, for `storage.submit`: each tensor an NDArray of its dtype and shape
 * (float32, int32, bool), string tensors of one text a string, and what is no tensor as it is. The tensors are disposed.
 * Each element becomes one record: give the dataset before it is batched. Every iteration reads the dataset anew.
 * @throws DataRefError UNSUPPORTED, while iterating, for complex64 and for tensors of more than one string
 */
export function fromTfDataset(dataset: Tf.data.Dataset<any>): AsyncIterable<any> {
  return { [Symbol.asyncIterator]: () => records(dataset) };
}

async function* records(dataset: Tf.data.Dataset<any>): AsyncGenerator<unknown, undefined> {
  const iterator = await dataset.iterator();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done === true) return undefined;
    try {
      yield await recordOf(value as Tf.TensorContainer, '');
    } finally {
      disposeAll(value as Tf.TensorContainer);
    }
  }
}

async function recordOf(value: Tf.TensorContainer, path: string): Promise<unknown> {
  if (isTensor(value)) return valueOf(value, path);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value))
    return Promise.all(value.map((item: Tf.TensorContainer, i) => recordOf(item, `${path}[${i}]`)));
  const entries = Object.entries(value).map(async ([key, item]) => [
    key,
    await recordOf(item, path === '' ? key : `${path}.${key}`),
  ]);
  return Object.fromEntries((await Promise.all(entries)) as [string, unknown][]);
}

async function valueOf(tensor: Tf.Tensor, path: string): Promise<NDArray | string> {
  const { dtype, shape } = tensor;
  if (dtype === 'string' && tensor.size === 1) return (await tensor.data<'string'>())[0] as string;
  if (dtype === 'string' || dtype === 'complex64') {
    throw new DataRefError(
      'UNSUPPORTED',
      `${path || 'the element'} is a ${dtype} tensor of shape [${shape.join(', ')}], which a dataset cannot hold; map it to one string, or to numbers, first`,
      { details: { column: path } },
    );
  }
  // A copy: on some backends this is the tensor's own memory.
  const data = (await tensor.data()).slice();
  return dtype === 'bool' ? ndarray(data as Uint8Array, shape, 'bool') : ndarray(data as Float32Array, shape);
}

function disposeAll(value: Tf.TensorContainer): void {
  if (isTensor(value)) value.dispose();
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const item of Object.values(value)) disposeAll(item);
  }
}

function isTensor(value: unknown): value is Tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'dispose' in value;
}
