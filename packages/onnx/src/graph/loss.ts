import type { GraphWriter, Value } from './graph-writer.js';
import type { RowShape } from './layer.js';
import type { GraphDType } from './onnx-fields.js';

/** What a loss adds to the graphs of a network. */
export interface Loss {
  readonly kind: string;
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
  /** What the inference graph gives, each of the sizes of the network's output. */
  readonly outputs: readonly string[];
  /** Writes those. */
  infer(g: GraphWriter, y: Value): void;
}

/** How much each row counts. */
export interface RowWeights {
  /** Multiplies rows of `rank` dimensions, the batch included, with the mask; as they are where there is none. */
  readonly masked: (values: Value, rank: number) => Value;
  /** How many real rows there are, a float32 scalar. */
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
