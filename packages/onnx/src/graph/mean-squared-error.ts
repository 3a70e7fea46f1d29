import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { refuse, shown, sizeOf, type RowShape } from './layer.js';
import { rowWeights, type Loss } from './loss.js';
import { DATA_TYPE, type GraphDType } from './onnx-fields.js';
import { inputName, oneOf, rowShapeOf } from './options.js';

export interface MeanSquaredErrorOptions {
  /** The input of what the network should give. */
  readonly targets: string;
  /** Default 'float32'; another is cast in the graph. */
  readonly dtype?: GraphDType | undefined;
  /** Sizes of one row of the targets, as many elements as the network's output has; default: the output's sizes. */
  readonly shape?: RowShape | undefined;
  /**
   * The input float32 [N] that has 1 for real rows and 0 for padding, usually 'mask'. Without it every row counts, and a
   * stream must not pad its last batch.
   */
  readonly mask?: string | undefined;
}

/**
 * The mean of (output − target)² over all elements of the real rows, as tfjs's meanSquaredError and PyTorch's MSELoss. The
 * inference graph's output is `output`, float32 [N, …].
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for targets of another number of elements than the output
 */
export function meanSquaredError(options: MeanSquaredErrorOptions): Loss {
  const { targets, dtype = 'float32', shape, mask, ...unknown } = optionsOf('meanSquaredError', options);
  refuseUnknown('meanSquaredError', unknown, ['targets', 'dtype', 'shape', 'mask']);
  inputName('meanSquaredError: targets', targets);
  oneOf('meanSquaredError: dtype', dtype, Object.keys(DATA_TYPE) as GraphDType[]);
  const given = shape === undefined ? undefined : rowShapeOf('meanSquaredError: shape', shape);
  if (mask !== undefined) inputName('meanSquaredError: mask', mask);
  return {
    kind: 'meanSquaredError',
    bind(rows) {
      const row = given ?? rows;
      if (sizeOf(row) !== sizeOf(rows))
        refuse(
          `meanSquaredError: expected targets of as many elements as the output ${shown(rows)}, got the shape ${shown(row)}; end with dense(${sizeOf(row)}), or change the shape`,
          { expected: rows, got: row },
        );
      return {
        inputs: [
          { name: targets, dtype, row },
          ...(mask === undefined ? [] : [{ name: mask, dtype: 'float32' as const, row: [] }]),
        ],
        metrics: [],
        outputs: ['output'],
        train(g, y) {
          const { masked, count } = rowWeights(g, y, mask);
          const target = dtype === 'float32' ? targets : g.cast(targets, 'float32');
          const wanted = given === undefined ? target : g.op('Reshape', [target, g.integers([0, ...rows])]);
          const error = g.op('Sub', [y, wanted]);
          const elements = g.op('Mul', [count, g.float(sizeOf(rows))]);
          const sum = g.op('ReduceSum', [masked(g.op('Mul', [error, error]), rows.length + 1)], { keepdims: 0 });
          g.op('Div', [sum, elements], {}, 'loss');
          return g.op('Mul', [masked(error, rows.length + 1), g.op('Div', [g.float(2), elements])]);
        },
        infer(g, y) {
          g.op('Identity', [y], {}, 'output');
        },
      };
    },
  };
}
