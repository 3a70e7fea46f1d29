import type { DataBatch } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import { feedsOf, maskOf, shapeOf, tensorsOf } from './batch-feeds.js';
import type { Binding } from './binding.js';

/** A tensor of an array that is written anew for other batches. */
interface Kept {
  /** Of the input among those that are bound. */
  readonly place: number;
  readonly length: number;
  readonly tensor: ort.Tensor;
}

/** Tensors of batches whose arrays are written again and again: a buffer keeps the tensor that was made of it. */
export class KeptTensors {
  readonly #ort: { readonly Tensor: typeof ort.Tensor };
  readonly #binding: Binding;
  readonly #kept = new WeakMap<object, Kept>();
  #mask: { readonly length: number; readonly validLength: number; readonly tensor: ort.Tensor } | undefined;

  constructor(runtime: { readonly Tensor: typeof ort.Tensor }, binding: Binding) {
    this.#ort = runtime;
    this.#binding = binding;
  }

  /** By the names of inputs, in an object of its own. */
  of(batch: DataBatch): Record<string, ort.Tensor> {
    const { bound, mask } = this.#binding;
    const feeds: Record<string, ort.Tensor> = {};
    for (let place = 0; place < bound.length; place++) {
      const tensor = this.#at(place, batch);
      // Texts, and rows that were padded to one size, are made anew.
      if (tensor === undefined) return tensorsOf(this.#ort, feedsOf(batch, this.#binding, true));
      feeds[(bound[place] as Binding['bound'][number]).input.name] = tensor;
    }
    if (mask !== undefined) feeds[mask.name] = this.#maskOf(batch, mask.type);
    return feeds;
  }

  #at(place: number, batch: DataBatch): ort.Tensor | undefined {
    const data = batch.arrayAt(place);
    if (data === undefined) return undefined;
    const { length } = batch;
    const kept = this.#kept.get(data.buffer);
    if (kept?.place === place && kept.length === length && isAlive(kept.tensor)) return kept.tensor;
    const { input } = this.#binding.bound[place] as Binding['bound'][number];
    const tensor = new this.#ort.Tensor(input.type as 'int32', data as Int32Array, shapeOf(batch, input.name));
    this.#kept.set(data.buffer, { place, length, tensor });
    return tensor;
  }

  /** One for every batch with as many rows, and real ones: nobody writes into it. */
  #maskOf(batch: DataBatch, type: Parameters<typeof maskOf>[1]): ort.Tensor {
    const { length, validLength } = batch;
    const last = this.#mask;
    if (last?.length === length && last.validLength === validLength && isAlive(last.tensor)) return last.tensor;
    const { data, dims } = maskOf(batch, type);
    const tensor = new this.#ort.Tensor(type as 'float32', data as Float32Array, dims);
    this.#mask = { length, validLength, tensor };
    return tensor;
  }
}

/** Whether its user has not disposed of it. */
function isAlive({ location }: ort.Tensor): boolean {
  return location !== 'none';
}
