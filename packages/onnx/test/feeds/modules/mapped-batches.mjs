import { digits } from './digits.mjs';

const table = Float32Array.of(1, 2, 3, 4);
export default () =>
  digits
    .stream()
    .batch(4, { remainder: 'drop' })
    .map(() => ({ z: table, again: table, words: ['a', 'b', 'c', 'd'] }));
