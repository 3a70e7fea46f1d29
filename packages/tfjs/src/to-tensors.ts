import { DataRefError, type ArrayTypes, type Field, type NDArray, type NumericDType, type Schema } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';
import { mapLeaves } from './structure.js';

type TensorDType = 'float32' | 'int32' | 'bool';

/** The tensor that each dtype becomes. int64, uint64, uint32 and float16 have been converted before, with checks. */
const TENSOR_DTYPE: Partial<Record<NumericDType, TensorDType>> = {
  bool: 'bool',
  int8: 'int32',
  uint8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  int32: 'int32',
  float32: 'float32',
  float64: 'float32',
};

/**
 * A record, or a batch's columns, as tensors in the same structure. Where one cannot be made, none is left behind.
 * The backend may keep the arrays as they are: they must not be written again, unless it is one that copies.
 */
export function toTensors(tf: typeof Tf, schema: Schema, value: unknown): Tf.TensorContainer {
  return tf.tidy(() => mapLeaves(schema, (field, _, leaf) => toTensor(tf, field, leaf), value) as Tf.TensorContainer);
}

function toTensor(tf: typeof Tf, field: Field, value: unknown): Tf.Tensor {
  if (field.dtype === 'string') {
    return typeof value === 'string'
      ? tf.tensor([value], [], 'string')
      : tf.tensor(value as string[], [(value as string[]).length], 'string');
  }
  const dtype = TENSOR_DTYPE[field.dtype as NumericDType];
  if (dtype === undefined) {
    throw new DataRefError('UNSUPPORTED', `TensorFlow.js has no tensors of ${field.dtype}`);
  }
  if (typeof value !== 'object') return tf.scalar(value as number | boolean, dtype);
  const { data, shape } = value as NDArray;
  return tf.tensor(elementsFor(dtype, data), shape as number[], dtype);
}

/** The array class that tfjs takes for a dtype without looking at each element. */
function elementsFor(dtype: TensorDType, data: ArrayTypes[NumericDType]): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'bool') return data as Uint8Array;
  const isRight =
    Object.prototype.toString.call(data) === (dtype === 'float32' ? '[object Float32Array]' : '[object Int32Array]');
  if (isRight) return data as Float32Array | Int32Array;
  return dtype === 'float32' ? new Float32Array(data as Float64Array) : new Int32Array(data as Uint8Array);
}
