import { ndarray, type NDArray } from '@dataref/core';

/**
 * Which positions each position of packed rows may attend to: those of its own document, and of these by default none
 * after itself. Padding attends to nothing.
 * @param segmentIds int32[length] of a row, or int32[rows, length] of a batch, as `pack` gives them
 * @returns bool[…, length, length]: from the position of axis −2 to that of axis −1
 */
export function documentMask<S extends readonly number[]>(
  segmentIds: NDArray<'int32', S>,
  { causal = true }: { readonly causal?: boolean | undefined } = {},
): NDArray<'bool', readonly [...S, number]> {
  const { data, shape } = segmentIds;
  const length = shape.at(-1) as number;
  const mask = new Uint8Array(data.length * length);
  for (let at = 0; at < data.length; at++) {
    const segment = data[at] as number;
    if (segment === 0) continue;
    const row = at - (at % length);
    const end = causal ? at + 1 : row + length;
    for (let other = row; other < end; other++) mask[at * length + other - row] = data[other] === segment ? 1 : 0;
  }
  return ndarray(mask, [...shape, length], 'bool');
}
