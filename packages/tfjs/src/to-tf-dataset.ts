import { DataRefError, type BatchStream, type Schema } from '@dataref/core';
import { BatchFlow, RecordFlow, refuseUnknown } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import { peerTf } from '#peer';
import { TensorColumns } from './tensor-columns.js';
import { makeDataset } from './tf-dataset.js';
import type { AnyStream, TensorsOf, TfColumns, TfDataset, TfOptions } from './types.js';

/**
 * A true tf.data.Dataset over a stream: elements of a Stream are records, of a BatchStream batches, each a tensor a
 * column. Floats become float32, integers int32, booleans bool, text string tensors.
 * @param options `columns`: names for the model, each a column or `{ column, dtype, scale, oneHot }`; without it
 *   elements have the structure of the records. `mask`: name of a further tensor of each batch, float32 `[rows]`, 1 for
 *   real rows and 0 for padding. `tf`: default the installed @tensorflow/tfjs
 * @throws DataRefError INVALID_ARGUMENT for an unknown column or option, or a mask of records, RAGGED, UNSUPPORTED for columns of bytes,
 *   MISSING_PACKAGE; while iterating LOSSY_CAST for integers beyond 32 bits
 */
export function toTfDataset<S extends Schema, const M extends TfColumns<S>, K extends string>(
  stream: BatchStream<S>,
  options: TfOptions & { readonly columns: M; readonly mask: K },
): TfDataset<{ -readonly [N in keyof M | K]: Tf.Tensor }>;
export function toTfDataset<S extends Schema, const M extends TfColumns<S>>(
  stream: AnyStream<S>,
  options: TfOptions & { readonly columns: M },
): TfDataset<{ -readonly [K in keyof M]: Tf.Tensor }>;
export function toTfDataset<S extends Schema>(stream: AnyStream<S>, options?: TfOptions): TfDataset<TensorsOf<S>>;
export function toTfDataset(
  stream: AnyStream<any>,
  options: TfOptions & { readonly columns?: Readonly<Record<string, unknown>>; readonly mask?: unknown } = {},
): TfDataset<any> {
  const { tf = peerTf(), columns, mask, ...unknown } = options;
  refuseUnknown('toTfDataset', unknown, ['columns', 'mask', 'tf']);
  if (!(stream instanceof RecordFlow || stream instanceof BatchFlow)) {
    throw new DataRefError('INVALID_ARGUMENT', 'toTfDataset needs a stream: dataref.stream(), or one of its batches');
  }
  const mode = stream instanceof RecordFlow ? 'records' : stream.padsRagged ? 'padded batches' : 'batches';
  const picked = new TensorColumns(columns, mode);
  if (stream.knownSchema !== undefined) picked.resolve(stream.knownSchema);
  if (mask !== undefined) checkMask(mask, columns, stream);
  return makeDataset({ tf, flow: stream.pick(picked), columns: picked, mask, maps: [] });
}

function checkMask(
  mask: unknown,
  columns: Readonly<Record<string, unknown>> | undefined,
  stream: RecordFlow | BatchFlow,
): asserts mask is string {
  const isName = typeof mask === 'string' && columns !== undefined && !Object.hasOwn(columns, mask);
  if (isName && stream instanceof BatchFlow) return;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    isName
      ? 'toTfDataset: only batches have padding that a mask can tell: stream().batch(32)'
      : `toTfDataset: mask must be a name that columns has not, beside columns: { columns: { xs: 'image' }, mask: 'mask' }`,
  );
}
