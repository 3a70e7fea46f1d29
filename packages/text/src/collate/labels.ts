/**
 * The label of a position that no loss is taken of: padding, and the last token of a document, which nothing follows.
 * @see `ignore_index` of torch.nn.CrossEntropyLoss, which transformers' collators use
 */
export const IGNORED_LABEL = -100;

/** For each id the one that follows it; nothing follows the last. */
export function nextIds(ids: Int32Array): Int32Array<ArrayBuffer> {
  const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
  labels.set(ids.subarray(1));
  return labels;
}
