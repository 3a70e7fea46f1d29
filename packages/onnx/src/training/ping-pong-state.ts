import type { NDArray, NumericDType } from '@dataref/core';
import type * as ort from 'onnxruntime-common';
import { copyOf } from '../feeds/batch-feeds.js';
import { OUT, outputError, type StateInput } from './step-graph.js';
import type { Parameters, TrainingOptions } from './types.js';

type Array = NDArray<NumericDType, readonly number[]>;
type Tensors = Record<string, ort.Tensor>;

/**
 * A graph's state in two sets of tensors: a step reads one and writes the other. A step that fails leaves what it read.
 */
export class PingPongState {
  readonly #inputs: readonly StateInput[];
  readonly #ort: TrainingOptions['ort'];
  #now: Tensors;
  #next: Tensors;

  constructor(inputs: readonly StateInput[], initial: Parameters, runtime: TrainingOptions['ort']) {
    this.#inputs = inputs;
    this.#ort = runtime;
    this.#now = this.#tensorsOf((input) => copyOf((initial[input.name] as Array).data));
    this.#next = this.#tensorsOf((input) => copyOf((initial[input.name] as Array).data));
  }

  /** Tensors by the names of inputs. */
  get feeds(): Readonly<Tensors> {
    return this.#now;
  }

  /** By the names of outputs, where a step writes; null where it makes them. */
  get fetches(): Record<string, ort.Tensor | null> {
    const target = (name: string): ort.Tensor | null =>
      this.#isWrittenInPlace ? (this.#next[name] as ort.Tensor) : null;
    return Object.fromEntries(this.#inputs.map(({ name }) => [`${name}${OUT}`, target(name)]));
  }

  /**
   * What a step gave is the state now, whether it was written where `fetches` said or not.
   * @throws DataRefError SCHEMA_MISMATCH where an output is missing or of another dtype or shape; the state stays
   */
  advance(results: Readonly<Tensors>): void {
    const made = this.#inputs.map((input): [string, ort.Tensor] => {
      const output = `${input.name}${OUT}`;
      const tensor = results[output];
      if (tensor?.type !== input.dtype || String(tensor.dims) !== String(input.shape))
        throw outputError(output, tensor);
      return [input.name, tensor];
    });
    this.#next = this.#now;
    this.#now = Object.fromEntries(made);
  }

  /** The arrays below the tensors, which the step after the next one writes. */
  arrays(): Record<string, Array> {
    return Object.fromEntries(
      this.#inputs.map(({ name, dtype, shape }) => [
        name,
        { dtype, shape, data: this.#now[name]?.data as unknown as Array['data'] },
      ]),
    );
  }

  copy(): Record<string, Array> {
    return Object.fromEntries(
      Object.entries(this.arrays()).map(([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape: [...shape], data: copyOf(data) },
      ]),
    );
  }

  /** Other values for all of it, of the same dtypes and shapes. They are taken, not copied. */
  replace(arrays: Parameters): void {
    this.#now = this.#tensorsOf(({ name }) => (arrays[name] as Array).data);
  }

  /** onnxruntime-node writes into tensors that it is given for outputs; of onnxruntime-web's backends not all do. */
  get #isWrittenInPlace(): boolean {
    return this.#ort.env?.versions?.node !== undefined;
  }

  #tensorsOf(dataOf: (input: StateInput) => Array['data']): Tensors {
    const { Tensor } = this.#ort;
    const make = (input: StateInput): ort.Tensor => new Tensor(input.dtype, dataOf(input), input.shape);
    return Object.fromEntries(this.#inputs.map((input) => [input.name, make(input)]));
  }
}
