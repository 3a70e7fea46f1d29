import type { Batch } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';
import { refused } from '../refused.js';

/** The rows of one rank's batch. */
export interface BatchRows {
  /** Padding among them. */
  readonly length: number;
  /** Those without padding; the sum of the mask. */
  readonly count: number;
  /** A number a row; undefined where each is real. */
  readonly mask: Float32Array | undefined;
  /** Of all ranks together, where the batch tells. */
  readonly globalLength: number | undefined;
}

/**
 * @param maskName the batch's tensor that tells real rows; undefined: `mask`, where it has that
 * @throws DataRefError INVALID_ARGUMENT
 */
export async function rowsOf(tf: typeof Tf, batch: unknown, maskName: string | undefined): Promise<BatchRows> {
  const { length, validLength, globalLength } = Object(batch) as Partial<Batch>;
  if (typeof length === 'number' && typeof validLength === 'number') {
    const mask = validLength === length ? undefined : new Float32Array(length).fill(1, 0, validLength);
    return { length, count: validLength, mask, globalLength };
  }
  const rows = tensorsOf(tf, batch)[0]?.shape[0];
  if (rows === undefined)
    throw refused('step needs a batch of globalBatch(), or its tensors as of toTfDataset(), with rows along axis 0');
  const tensor = (Object(batch) as Readonly<Record<string, unknown>>)[maskName ?? 'mask'];
  if (!(tensor instanceof tf.Tensor)) {
    if (maskName !== undefined) throw refused(`the batch has no tensor ${maskName}, which mask names`);
    return { length: rows, count: rows, mask: undefined, globalLength: undefined };
  }
  if (tensor.rank !== 1 || tensor.size !== rows)
    throw refused(
      `the mask of a batch of ${rows} rows must be [${rows}], got [${tensor.shape.join(', ')}]; where that is no mask of rows, say which tensor is: mask: 'name'`,
    );
  const mask = Float32Array.from(await tensor.data());
  return { length: rows, count: mask.reduce((sum, weight) => sum + weight, 0), mask, globalLength: undefined };
}

/** The tensors of an element; none for a batch of a stream. */
export function tensorsOf(tf: typeof Tf, batch: unknown): Tf.Tensor[] {
  return tf.tensor_util.getTensorsInContainer(batch as Tf.TensorContainer);
}
