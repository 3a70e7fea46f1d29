import type { GraphWriter, Value } from './graph-writer.js';
import type { RowShape } from './layer.js';
import type { GraphDType } from './onnx-fields.js';

/** What a loss adds to the graphs of a network. */
export interface Loss {
  readonly kind: string;
  /** The names of the inputs that it needs in training. */
  readonly inputs: readonly string[];
  /** @internal What the rows before it must be. @throws DataRefError INVALID_ARGUMENT */
  readonly bind: (rows: RowShape) => BoundLoss;
}

export interface BoundLoss {
  /** Sizes of one row of an input; the batch comes before. */
  readonly inputs: readonly { readonly name: string; readonly dtype: GraphDType; readonly row: RowShape }[];
  /** Writes `loss` and the metrics, and returns the gradient by the network's output. */
  train(g: GraphWriter, y: Value): Value;
  /** The metrics that it writes beside `loss`. */
  readonly metrics: readonly string[];
  /** Writes the outputs of inference, and returns their names. */
  infer(g: GraphWriter, y: Value): readonly Value[];
  /** What the network's own output is called in the inference graph. */
  readonly output: string;
}

/** How much each row counts, [N, 1, …] to multiply with rows of so many dimensions, and how many real rows there are. */
export interface RowWeights {
  /** Multiplies rows of `rank` dimensions, the batch included, with the mask; as they are where there is none. */
  readonly masked: (values: Value, rank: number) => Value;
  /** A float32 scalar. */
  readonly count: Value;
}

export function rowWeights(g: GraphWriter, y: Value, mask: string | undefined): RowWeights {
  if (mask === undefined) {
    const length = g.op('Shape', [y], { start: 0, end: 1 });
    return { masked: (values) => values, count: g.op('Squeeze', [g.cast(length, 'float32')]) };
  }
  const sum = g.op('ReduceSum', [mask], { keepdims: 0 });
  return {
    masked(values, rank) {
      const axes = Array.from({ length: rank - 1 }, (_, i) => i + 1);
      return g.op('Mul', [values, rank === 1 ? mask : g.op('Unsqueeze', [mask, g.integers(axes)])]);
    },
    // A batch without a real row teaches nothing, rather than NaN.
    count: g.op('Max', [sum, g.float(1e-12)]),
  };
}
