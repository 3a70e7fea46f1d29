import { ndarray, type NDArray } from '@dataref/core';
import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { GraphWriter, type Value } from './graph-writer.js';
import { initialData, seedOf } from './initial-values.js';
import { bakedParameters } from './baked-parameters.js';
import { inputOf, type InputOptions } from './input.js';
import { checkSize, refuse, sizeOf, type BoundLayer, type Forward, type Layer } from './layer.js';
import type { Loss } from './loss.js';
import { refuseDuplicates } from './names.js';
import type { Optimizer } from './optimizer.js';

export interface SequentialOptions {
  /** The rows that go in. */
  readonly input: InputOptions;
  /** At least one with parameters. */
  readonly layers: readonly Layer[];
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** How many rows every batch has; left out, any number, the symbolic dimension N. */
  readonly batchSize?: number | undefined;
}

/** A network as graphs of ONNX: operator set 17, IR version 8. */
export interface Sequential {
  /**
   * One step of training. Inputs: the rows, those of the loss, `lr` (float32 [], the learning rate), and the state: each
   * NAME has an output NAME.out of its dtype and shape, its value after the step. Outputs beside those: `loss` and, for a
   * classifier, `accuracy`, float32 [].
   */
  readonly trainingGraph: Uint8Array<ArrayBuffer>;
  /**
   * The first half of a step, for training in many processes. Inputs: the rows, those of the loss, and the parameters. Outputs:
   * `loss` and metrics as of the training graph, and NAME.grad of each parameter, float32 of its shape: the gradient of `loss`,
   * a mean over the real rows of the batch.
   */
  readonly gradientGraph: Uint8Array<ArrayBuffer>;
  /**
   * The other half. Inputs: the state, NAME.grad of each parameter, and `lr`. Outputs: NAME.out of the state. Both halves
   * make the training graph's step, to the bit.
   */
  readonly updateGraph: Uint8Array<ArrayBuffer>;
  /** The names of the parameters, `LAYER.weight` and `LAYER.bias`, in the order of the layers. */
  readonly parameterNames: readonly string[];
  /**
   * What computes outputs from rows and parameters: the parameters are inputs of the names that they have in training.
   * Given `parameters` (a whole training state will do: what the optimizer remembers is left out) they are part of the graph.
   * @throws DataRefError NOT_FOUND for missing parameters, INVALID_ARGUMENT for unknown ones, SCHEMA_MISMATCH for another
   * dtype or shape
   */
  readonly inferenceGraph: (parameters?: Readonly<Record<string, NDArray>>) => Uint8Array<ArrayBuffer>;
  /**
   * What training starts from: parameters, and what the optimizer remembers, float32, zeros. The same bits for the same
   * seed on any machine.
   * @param seed an integer 0..2^32−1
   */
  readonly initialState: (seed: number) => Record<string, NDArray<'float32', readonly number[]>>;
}

const OPTIONS = ['input', 'layers', 'loss', 'optimizer', 'batchSize'];

/**
 * The graphs of a network of layers, one after another.
 * @throws DataRefError INVALID_ARGUMENT, naming the layer, for rows that a layer cannot take, for names that there are twice
 */
export function sequential(options: SequentialOptions): Sequential {
  const { input, layers, loss, optimizer, batchSize, ...unknown } = optionsOf('sequential', options);
  refuseUnknown('sequential', unknown, OPTIONS);
  const batch = batchSize === undefined ? 'N' : countOf('sequential: batchSize', batchSize, 1);
  const rows = inputOf(input);
  const bound = bindLayers(layersOf(layers), rows.row);
  if (typeof loss === 'function' || typeof loss?.bind !== 'function')
    refuse('sequential: loss must be softmaxCrossEntropy({ labels }) or meanSquaredError({ targets })');
  if (typeof optimizer?.update !== 'function') refuse('sequential: optimizer must be sgd(), adam() or adamW()');
  const output = bound.at(-1)?.output ?? rows.row;
  const boundLoss = loss.bind(output);
  const parameters = bound.flatMap((layer) => layer.parameters);
  if (parameters.length === 0) refuse('sequential: no layer has parameters to train; add dense() or conv2d()');
  const remembered = optimizer.state(parameters);
  const state = [...parameters, ...remembered];
  const results = ['loss', ...boundLoss.metrics];
  refuseDuplicates([
    rows.name,
    ...boundLoss.inputs.map(({ name }) => name),
    'lr',
    ...state.map(({ name }) => name),
    ...parameters.map(({ name }) => gradientName(name)),
    ...results,
    ...boundLoss.outputs,
  ]);
  const layersFrom = (g: GraphWriter): Forward[] => writeLayers(g, bound, rows.write(g, batch));
  const [gradientGraph, updateGraph] = [once(writeGradientGraph), once(writeUpdateGraph)];

  return {
    trainingGraph: trainingGraph(),
    get gradientGraph() {
      return gradientGraph();
    },
    get updateGraph() {
      return updateGraph();
    },
    parameterNames: parameters.map(({ name }) => name),
    inferenceGraph,
    initialState(seed) {
      const from = seedOf(seed);
      return Object.fromEntries([
        ...parameters.map(({ name, shape, initial }) => [
          name,
          ndarray(initialData(from, name, sizeOf(shape), initial), shape),
        ]),
        ...remembered.map(({ name, shape }) => [name, ndarray(new Float32Array(sizeOf(shape)), shape)]),
      ]) as Record<string, NDArray<'float32', readonly number[]>>;
    },
  };

  function trainingGraph(): Uint8Array<ArrayBuffer> {
    const g = new GraphWriter('training-step');
    const gradients = writeLoss(g);
    g.input('lr', 'float32', []);
    for (const { name, shape } of state) g.input(name, 'float32', shape);
    writeUpdate(g, gradients);
    for (const name of results) g.output(name, 'float32', []);
    for (const { name, shape } of state) g.output(`${name}.out`, 'float32', shape);
    return g.model();
  }

  function writeGradientGraph(): Uint8Array<ArrayBuffer> {
    const g = new GraphWriter('gradients');
    const gradients = writeLoss(g);
    for (const { name, shape } of parameters) g.input(name, 'float32', shape);
    g.scope = 'gradients';
    for (const [name, gradient] of gradients) g.op('Identity', [gradient], {}, gradientName(name));
    for (const name of results) g.output(name, 'float32', []);
    for (const { name, shape } of parameters) g.output(gradientName(name), 'float32', shape);
    return g.model();
  }

  function writeUpdateGraph(): Uint8Array<ArrayBuffer> {
    const g = new GraphWriter('update');
    for (const { name, shape } of state) g.input(name, 'float32', shape);
    for (const { name, shape } of parameters) g.input(gradientName(name), 'float32', shape);
    g.input('lr', 'float32', []);
    writeUpdate(g, new Map(parameters.map(({ name }) => [name, gradientName(name)])));
    for (const { name, shape } of state) g.output(`${name}.out`, 'float32', shape);
    return g.model();
  }

  /** The inputs of the data, and what follows from them: loss, metrics and gradients. */
  function writeLoss(g: GraphWriter): ReadonlyMap<string, Value> {
    const forwards = layersFrom(g);
    for (const { name, dtype, row } of boundLoss.inputs) g.input(name, dtype, [batch, ...row]);
    g.scope = 'loss';
    return writeGradients(g, bound, forwards, boundLoss.train(g, lastOf(forwards)));
  }

  function writeUpdate(g: GraphWriter, gradients: ReadonlyMap<string, Value>): void {
    g.scope = optimizer.kind;
    optimizer.update(g, gradients);
  }

  function inferenceGraph(given?: Readonly<Record<string, NDArray>>): Uint8Array<ArrayBuffer> {
    const g = new GraphWriter('inference');
    const forwards = layersFrom(g);
    const baked =
      given === undefined
        ? undefined
        : bakedParameters(
            given,
            parameters,
            remembered.map(({ name }) => name),
          );
    for (const { name, shape } of parameters) {
      const data = baked?.get(name);
      if (data === undefined) g.input(name, 'float32', shape);
      else g.initializer(name, shape, data);
    }
    g.scope = 'output';
    boundLoss.infer(g, lastOf(forwards));
    for (const name of boundLoss.outputs) g.output(name, 'float32', [batch, ...output]);
    return g.model();
  }
}

/** A layer at its place, with the name that it has there. */
type NamedLayer = BoundLayer & { readonly name: string };

function layersOf(layers: readonly Layer[]): readonly Layer[] {
  if (!Array.isArray(layers)) refuse('sequential: layers must be a list, such as [flatten(), dense(10)]');
  const wrong = layers.findIndex(
    (layer: Partial<Layer> | null | undefined) => typeof layer?.bind !== 'function' || typeof layer !== 'object',
  );
  if (wrong >= 0)
    refuse(
      `sequential: layers[${wrong}] is no layer${typeof layers[wrong] === 'function' ? '; call it: relu()' : ''}; there are dense, conv2d, maxPool2d, averagePool2d, relu, flatten and reshape`,
      { layer: wrong },
    );
  return layers;
}

function bindLayers(layers: readonly Layer[], input: readonly number[]): NamedLayer[] {
  const counts = new Map<string, number>();
  let rows = input;
  return layers.map((layer) => {
    const count = (counts.get(layer.kind) ?? 0) + 1;
    counts.set(layer.kind, count);
    const name = layer.name ?? `${layer.kind}${count}`;
    const bound = layer.bind(name, rows);
    rows = bound.output;
    for (const parameter of bound.parameters) checkSize(`layer ${name}: ${parameter.name}`, parameter.shape);
    checkSize(`layer ${name}: its output`, rows);
    return { ...bound, name };
  });
}

function writeLayers(g: GraphWriter, layers: readonly NamedLayer[], input: Value): Forward[] {
  let x = input;
  return layers.map((layer) => {
    g.scope = layer.name;
    const forward = layer.forward(g, x);
    x = forward.y;
    return forward;
  });
}

/** The gradients by parameter, in the order of the layers; nothing is computed before the first layer that has any. */
function writeGradients(
  g: GraphWriter,
  layers: readonly NamedLayer[],
  forwards: readonly Forward[],
  dOutput: Value,
): ReadonlyMap<string, Value> {
  const first = layers.findIndex(({ parameters }) => parameters.length > 0);
  const gradients: [string, Value][] = [];
  let dy = dOutput;
  for (let i = layers.length - 1; i >= first; i--) {
    g.scope = `${layers[i]?.name}/gradient`;
    const { parameters, input } = (forwards[i] as Forward).backward(dy);
    gradients.unshift(...Object.entries(parameters));
    if (i > first) dy = input();
  }
  return new Map(gradients);
}

function gradientName(parameter: string): string {
  return `${parameter}.grad`;
}

/** Made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function lastOf(forwards: readonly Forward[]): Value {
  return (forwards.at(-1) as Forward).y;
}
