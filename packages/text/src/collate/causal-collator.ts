import { DataRefError, ndarray, type NDArray } from '@dataref/core';
import { describeValue, isNDArray, oneOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { IGNORED_LABEL } from './labels.js';

export interface CausalCollatorOptions {
  /**
   * true: a position's label is the token after it. false (default): it is the token itself, for models that shift labels
   * in their loss, as those of transformers do.
   */
  readonly useShiftedLabels?: boolean | undefined;
}

type Ids = NDArray<'int32', readonly [number, number]>;

/** Columns of a batch of windows, of packed rows, or of what `pad` gives. */
export interface CausalColumns {
  readonly inputs?: Ids | undefined;
  readonly labels?: Ids | undefined;
  readonly segmentIds?: Ids | undefined;
  readonly input_ids?: Ids | undefined;
  readonly attention_mask?: Ids | undefined;
}

/** The other columns are handed on. */
export type CollatedColumns<C> = Omit<C, keyof CausalColumns> & {
  readonly input_ids: Ids;
  readonly attention_mask: Ids;
  readonly labels: Ids;
};

/**
 * What batches are mapped with for causal language models:
 * `windows.stream().batch(16).map(causalCollator({ useShiftedLabels: true }))`. Takes batches of windows, of packed rows,
 * and padded ones, and gives `input_ids`, `attention_mask` and `labels`, each int32[rows, positions], the labels
 * IGNORED_LABEL where there is no token to be told. Shifted labels are those of the windows and packed rows themselves; of
 * padded rows the last token has none.
 * @throws DataRefError INVALID_ARGUMENT; when it maps SCHEMA_MISMATCH for batches of another kind
 * @see `FastDataCollatorForLanguageModeling` of Archai
 */
export function causalCollator(
  options: CausalCollatorOptions = {},
): <C extends CausalColumns>(batch: { readonly columns: C }) => CollatedColumns<C> {
  const { useShiftedLabels = false, ...unknown } = optionsOf('causalCollator', options);
  refuseUnknown('causalCollator', unknown, ['useShiftedLabels']);
  oneOf('causalCollator: useShiftedLabels', useShiftedLabels, [true, false]);
  return <C extends CausalColumns>({ columns }: { readonly columns: C }) => {
    const { inputs, labels: given, segmentIds, input_ids: ids = inputs, attention_mask, ...others } = columns;
    if (!isNDArray(ids) || ids.dtype !== 'int32' || ids.shape.length !== 2)
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `causalCollator needs int32 inputs or input_ids with as many positions in each row, got ${describeValue(ids)}; batches of documents go through pad first`,
      );
    const mask = attention_mask?.data ?? segmentIds?.data.map((segment) => (segment > 0 ? 1 : 0));
    const labels =
      useShiftedLabels && given !== undefined
        ? given
        : ndarray(useShiftedLabels ? following(ids, mask) : themselves(ids, mask), ids.shape);
    return {
      ...others,
      input_ids: ids,
      attention_mask: ndarray(mask ?? new Int32Array(ids.data.length).fill(1), ids.shape),
      labels,
    } as CollatedColumns<C>;
  };
}

/** The tokens as their own labels. */
function themselves({ data }: Ids, mask: Int32Array | undefined): Int32Array<ArrayBuffer> {
  return Int32Array.from(data, (id, at) => (mask?.[at] === 0 ? IGNORED_LABEL : id));
}

/** The token after each, within its row. */
function following({ data, shape }: Ids, mask: Int32Array | undefined): Int32Array<ArrayBuffer> {
  const [, width] = shape;
  return Int32Array.from(data, (_, at) => {
    const isLast = at % width === width - 1;
    return isLast || mask?.[at] === 0 || mask?.[at + 1] === 0 ? IGNORED_LABEL : (data[at + 1] as number);
  });
}
