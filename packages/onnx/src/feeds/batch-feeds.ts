import type { Batch, NDArray, NumericDType } from '@dataref/core';
import type { DataBatch } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import type { Binding } from './binding.js';
import type { ModelInput } from './model-inputs.js';

type Elements = Exclude<ort.Tensor['data'], string[]>;
type Column = NDArray<NumericDType, readonly number[]> | string[];

/** What a tensor is made of; arrays of its own, in whichever thread. */
export interface PlainTensor {
  readonly type: ort.Tensor.Type;
  readonly data: Elements | string[];
  readonly dims: readonly number[];
}
export type PlainFeeds = Readonly<Record<string, PlainTensor>>;

/** The shape that feeds an input. */
export function shapeOf({ columns, length }: Batch, input: string): readonly number[] {
  const column = (columns as Record<string, Column>)[input] as Column;
  return Array.isArray(column) ? [length] : column.shape;
}

/**
 * A batch as the inputs of a model.
 * @param isPrivate nobody else has its arrays; otherwise they are copied
 */
export function feedsOf(batch: DataBatch, binding: Binding, isPrivate: boolean): PlainFeeds {
  const columns = batch.columns as Record<string, Column>;
  const feeds: Record<string, PlainTensor> = {};
  for (const { input } of binding.bound) {
    const column = columns[input.name] as Column;
    const data = Array.isArray(column) ? column : column.data;
    feeds[input.name] = { type: input.type, data: isPrivate ? data : copyOf(data), dims: shapeOf(batch, input.name) };
  }
  const { mask } = binding;
  if (mask !== undefined) feeds[mask.name] = maskOf(batch, mask.type);
  return feeds;
}

/** 1 for real rows and 0 for padding. */
export function maskOf({ length, validLength }: Batch, type: ModelInput['type']): PlainTensor {
  const data = (type === 'bool' ? new Uint8Array(length) : new Float32Array(length)).fill(1, 0, validLength);
  return { type, data, dims: [length] };
}

/** A copy with a buffer of its own; the `slice` of Node's Buffer would be a view. */
export function copyOf<T extends Elements | string[]>(data: T): T {
  const { slice } = (Array.isArray(data) ? Array : Object.getPrototypeOf(Uint8Array)).prototype as { slice: () => T };
  return slice.call(data);
}

export function tensorsOf({ Tensor }: { readonly Tensor: typeof ort.Tensor }, feeds: PlainFeeds) {
  const tensors: Record<string, ort.Tensor> = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds))
    tensors[name] = new Tensor(type as 'float32', data as Float32Array, dims);
  return tensors;
}

/** Overwrites what must not be used any more: with what no model gives a sensible answer to. */
export function poison(feeds: PlainFeeds): void {
  for (const { type, data } of Object.values(feeds)) {
    if (Array.isArray(data)) data.fill('expired');
    else if (type === 'float16')
      data.fill(0x7e00 as never); // NaN
    else if (type === 'float32' || type === 'float64') data.fill(NaN as never);
    else new Uint8Array(data.buffer, data.byteOffset, data.byteLength).fill(0xaa);
  }
}
