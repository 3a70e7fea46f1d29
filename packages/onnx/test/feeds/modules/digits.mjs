import { field, fromColumns, ndarray } from '@dataref/core';

export const digits = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: 22 * 4 }, (_, i) => i),
    [22, 2, 2],
  ),
  label: Int32Array.from({ length: 22 }, (_, i) => i - 3),
});
export const schema = { image: field('uint8', [2, 2]), label: field('int32') };
export const batches = () =>
  digits
    .stream({ shuffle: true, shuffleSeed: 1 })
    .map(({ image, label }, { random }) => ({ image, label, noise: random(), word: `digit ${label}` }), {
      schema: { ...schema, noise: field('float64'), word: field('string') },
    })
    .batch(5);
export default async () => batches();
