import { DataRefError } from '@dataref/core';
import type { GraphWriter, Value } from './graph-writer.js';
import type { InitialValues } from './initial-values.js';

/** Sizes of one row: the batch dimension is not among them. */
export type RowShape = readonly number[];

/** A parameter as it is known before training: its name in the graphs, its sizes, and what it starts from. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: InitialValues;
}

/** A layer of a network, as `dense`, `conv2d` and the others describe it: plain data, which may stand in many networks. */
export interface Layer {
  /** What it is; a layer without a name is called after it and its number: dense1, dense2. */
  readonly kind: string;
  readonly name: string | undefined;
  /** @internal */
  readonly bind: (name: string, input: RowShape) => BoundLayer;
}

/** A layer at its place in a network. */
export interface BoundLayer {
  readonly output: RowShape;
  readonly parameters: readonly Parameter[];
  /** Writes what it computes. */
  forward(g: GraphWriter, x: Value): Forward;
}

export interface Forward {
  readonly y: Value;
  /** Writes the gradients of the loss, of which `dy` is the one by `y`. */
  backward(dy: Value): Gradients;
}

export interface Gradients {
  /** By the parameters' names. */
  readonly parameters: Readonly<Record<string, Value>>;
  /** By the layer's input; written only when it is asked for. */
  readonly input: () => Value;
}

export function refuse(problem: string, details?: Readonly<Record<string, unknown>>): never {
  throw new DataRefError('INVALID_ARGUMENT', problem, details === undefined ? {} : { details });
}

/** Refuses rows that a layer cannot take. */
export function refuseRows(layer: string, expected: string, got: RowShape, cure: string): never {
  return refuse(`layer ${layer}: expected ${expected}, got ${shown(got)}; ${cure}`, { layer, expected, got });
}

export function shown(shape: readonly (number | null)[]): string {
  return `[${shape.join(', ')}]`;
}

/** Refuses more elements than a buffer of ONNX, of at most 2 GiB, holds as float32. */
export function checkSize(what: string, shape: readonly number[]): void {
  if (sizeOf(shape) * 4 >= 2 ** 31)
    refuse(`${what} would be float32 ${shown(shape)}, which is 2 GiB or more; make it smaller`, { shape });
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
