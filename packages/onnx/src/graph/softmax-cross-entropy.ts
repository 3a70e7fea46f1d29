import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { refuseRows } from './layer.js';
import { rowWeights, type Loss } from './loss.js';
import { inputName, oneOf } from './options.js';

export interface SoftmaxCrossEntropyOptions {
  /** The input of the labels: class numbers from 0, [N]. */
  readonly labels: string;
  /** Default 'int32'. */
  readonly dtype?: 'int32' | 'int64' | 'uint8' | undefined;
  /**
   * The input float32 [N] that has 1 for real rows and 0 for padding, usually 'mask'. Without it every row counts, and a
   * stream must not pad its last batch.
   */
  readonly mask?: string | undefined;
}

/**
 * The mean over the real rows of −log softmax(x)[label], as tfjs's softmaxCrossEntropy and PyTorch's CrossEntropyLoss; and the
 * metric `accuracy`, the share of the real rows whose largest number is the label's. The inference graph's outputs are
 * `logits` and `probabilities`, float32 [N, classes]. A label that is no class makes the run fail, also where the mask is 0.
 * @throws DataRefError INVALID_ARGUMENT; in `sequential`, for rows that are not of one dimension
 */
export function softmaxCrossEntropy(options: SoftmaxCrossEntropyOptions): Loss {
  const { labels, dtype = 'int32', mask, ...unknown } = optionsOf('softmaxCrossEntropy', options);
  refuseUnknown('softmaxCrossEntropy', unknown, ['labels', 'dtype', 'mask']);
  inputName('softmaxCrossEntropy: labels', labels);
  oneOf('softmaxCrossEntropy: dtype', dtype, ['int32', 'int64', 'uint8']);
  if (mask !== undefined) inputName('softmaxCrossEntropy: mask', mask);
  return {
    kind: 'softmaxCrossEntropy',
    bind(rows) {
      if (rows.length !== 1)
        refuseRows(
          'softmaxCrossEntropy',
          'rows of one dimension, [classes]',
          rows,
          'end with flatten() and dense(classes)',
        );
      const classes = rows[0] as number;
      return {
        inputs: [
          { name: labels, dtype, row: [] },
          ...(mask === undefined ? [] : [{ name: mask, dtype: 'float32' as const, row: [] }]),
        ],
        metrics: ['accuracy'],
        outputs: ['logits', 'probabilities'],
        train(g, logits) {
          const { masked, count } = rowWeights(g, logits, mask);
          const label = dtype === 'int64' ? labels : g.cast(labels, 'int64');
          // A negative index would count from the end.
          const place = g.op('Where', [g.op('Less', [label, g.integers(0)]), g.integers(classes), label]);
          const column = g.op('Unsqueeze', [place, g.integers([1])]);
          const likelihoods = g.op('GatherElements', [g.op('LogSoftmax', [logits], { axis: 1 }), column], { axis: 1 });
          const likelihood = g.op('Squeeze', [likelihoods, g.integers([1])]);
          const sum = g.op('ReduceSum', [masked(likelihood, 1)], { keepdims: 0 });
          g.op('Div', [g.op('Neg', [sum]), count], {}, 'loss');

          const best = g.op('ArgMax', [logits], { axis: 1, keepdims: 0 });
          const right = g.cast(g.op('Equal', [best, label]), 'float32');
          const rights = g.op('ReduceSum', [masked(right, 1)], { keepdims: 0 });
          g.op('Div', [rights, count], {}, 'accuracy');

          const oneHot = g.op('OneHot', [label, g.integers(classes), g.float(Float32Array.of(0, 1), [2])], {
            axis: -1,
          });
          const excess = g.op('Sub', [g.op('Softmax', [logits], { axis: 1 }), oneHot]);
          return g.op('Div', [masked(excess, 2), count]);
        },
        infer(g, logits) {
          g.op('Identity', [logits], {}, 'logits');
          g.op('Softmax', [logits], { axis: 1 }, 'probabilities');
        },
      };
    },
  };
}
