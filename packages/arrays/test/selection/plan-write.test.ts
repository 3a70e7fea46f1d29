import { expect, jest, test } from '@jest/globals';
import { ndarray, type NDArray } from '@dataref/core';
import { arrayType } from '@dataref/core/adapter';
import { slice } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { planWrite } from '../../dist/selection/copy.js';
import { resolveSelection } from '../../dist/selection/resolve.js';
import { resolveValue } from '../../dist/values/value.js';
import { NUMERIC_DTYPES } from '../numeric-dtypes.js';
import { Dice } from './any-selection.js';
import { MemoryChunks } from './memory-chunks.js';
import { numberOf, plainBroadcast, plainSelect, type PlainArray } from './plain-array.js';

// In full there are thousands of arrays.
jest.setTimeout(600_000);

const hex = (bits: ArrayBufferView): string => Buffer.from(bits.buffer as ArrayBuffer).toString('hex');

test('any value written into any selection changes what a plain array changes, bit by bit, and whole chunks are not read', () => {
  const dice = new Dice(randomOf(announceSeed('planWrite')));
  for (let run = 0; run < runs(10_000); run++) {
    const dtype = dice.oneOf(NUMERIC_DTYPES);
    const shape = dice.shape();
    const array = new MemoryChunks(dtype, shape, dice.chunk(shape));
    if (dice.isBelow(0.7)) array.fillFrom(dice.array(dtype, shape));
    const { fill, bits } = dice.fill(dtype);
    const given = dice.selection(shape);
    const plain = plainSelect(shape, given);
    if (plain === 'refused') continue;
    const value = dice.array(dtype, dice.valueShape(plain.shape));
    const selection = resolveSelection('a', shape, given);
    const from = plainBroadcast(value.shape, plain.shape);
    const about = JSON.stringify({ dtype, shape, chunk: array.chunk, given, value: value.shape });
    const resolve = (): ReturnType<typeof resolveValue> => resolveValue('a', dtype, selection, asNDArray(value));
    if (from === undefined) {
      expect(resolve).toThrow(/cannot be written into/);
      continue;
    }
    const { elements } = array.toPlain(bits);
    plain.places.forEach((place, i) => (elements[numberOf(place, shape)] = value.elements[from[i] as number] as never));
    const writes = [...planWrite(array, selection, resolve(), { fill })];
    const before = new Map([...array.chunks].map(([key, chunk]) => [key, hex(chunk)]));
    const kept = new Map(array.chunks);
    array.write(writes);
    expect([about, hex(array.toPlain(bits).elements)]).toEqual([about, hex(elements)]);
    expect([about, [...kept].map(([key, chunk]) => [key, hex(chunk)])]).toEqual([about, [...before]]);
    const touched = new Map<string, number>();
    for (const key of plain.places.map((place) => array.keyOf(place))) touched.set(key, (touched.get(key) ?? 0) + 1);
    const isCovered = (place: readonly number[]): boolean => touched.get(String(place)) === sizeOf(array, place);
    expect([about, writes.map(({ place }) => String(place)).toSorted()]).toEqual([about, [...touched.keys()].sort()]);
    expect([about, writes.map(({ isWhole }) => isWhole)]).toEqual([about, writes.map(({ place }) => isCovered(place))]);
  }
});

/** Places of a chunk that are within the array. */
const sizeOf = ({ shape, chunk }: MemoryChunks, place: readonly number[]): number =>
  chunk.reduce((size, n, d) => size * Math.min(n, (shape[d] as number) - (place[d] as number) * n), 1);

const asNDArray = ({ dtype, shape, elements }: PlainArray): NDArray =>
  ndarray(new (arrayType(dtype))(elements.buffer), shape, dtype);

test('chunks of a large write come one at a time, and one value for all of them is kept once', () => {
  const shape = [2 ** 45, 8];
  const selection = resolveSelection('a', shape, [slice(3, null)]);
  const value = resolveValue('a', 'float64', selection, 2.5);
  expect(value).toEqual({ data: Float64Array.of(2.5), strides: [0, 0] });
  const writes = planWrite({ dtype: 'float64', shape, chunk: [2, 8] }, selection, value);
  const [one, two] = [writes.next().value, writes.next().value];
  expect(one).toMatchObject({ place: [1, 0], isWhole: false });
  expect(two).toMatchObject({ place: [2, 0], isWhole: true });
  expect((one as { apply(chunk: undefined): Float64Array }).apply(undefined)).toEqual(
    Float64Array.from({ length: 16 }, (_, i) => (i < 8 ? 0 : 2.5)),
  );
});

test('what is written beyond the end of the array is the fill value', () => {
  const selection = resolveSelection('a', [3], []);
  const writes = [
    ...planWrite({ dtype: 'int8', shape: [3], chunk: [2] }, selection, resolveValue('a', 'int8', selection, 4), {
      fill: -1,
    }),
  ];
  expect(writes.map((write) => write.apply(undefined))).toEqual([Int8Array.of(4, 4), Int8Array.of(4, -1)]);
});

test('the value of the tutorial, too large for its selection, is refused with both shapes', () => {
  const selection = resolveSelection('bigarray: set', [100_000, 512, 512, 3], [slice(0, 1)]);
  const image = ndarray(new Float32Array(2 * 512 * 512 * 3), [2, 512, 512, 3]);
  expect(() => resolveValue('bigarray: set', 'int32', selection, image)).toThrow(
    failure(
      'INVALID_ARGUMENT',
      /bigarray: set: a value of shape \[2, 512, 512, 3\] \(float32\) cannot be written into \[0:1\], which has the shape \[1, 512, 512, 3\] \(int32\)/,
    ),
  );
});
