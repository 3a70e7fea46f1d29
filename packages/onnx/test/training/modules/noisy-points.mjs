import { field, fromColumns, ndarray } from '@dataref/core';

const points = fromColumns({
  x: ndarray(
    Float32Array.from({ length: 30 * 64 }, (_, i) => Math.sin(i * i)),
    [30, 1, 8, 8],
  ),
  y: Int32Array.from({ length: 30 }, (_, i) => i % 3),
});
const schema = { x: field('float32', [1, 8, 8]), y: field('int32') };
/** With a short last batch, and noise that depends on epoch and record. */
export default () =>
  points
    .stream({ shuffle: true, shuffleSeed: 5 })
    .map(({ x, y }, { random }) => ({ x: { ...x, data: x.data.map((value) => value + random() / 10) }, y }), { schema })
    .batch(8);
