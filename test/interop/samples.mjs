// Datasets of every dtype and structure, as schemas and functions from a row's number to its record.
import { field, ndarray } from '@dataref/core';
import { arrayType } from '../../packages/core/dist/schema/dtypes.js';
import { numberToFloat16 } from '../../packages/core/dist/schema/float16.js';
import { leavesOf } from '../../packages/core/dist/schema/schema.js';
import { assemble } from '../../packages/core/dist/schema/structure.js';

const signed = (bits) => [0n, 1n, -1n, 2n ** (bits - 1n) - 1n, -(2n ** (bits - 1n))];
const unsigned = (bits) => [0n, 1n, 2n ** bits - 1n, 2n ** (bits - 1n)];
const numbers = (list) => list.map(Number);

/** Ordinary values and the ends of the range. */
const ELEMENTS = {
  bool: [1, 0, 1],
  int8: numbers(signed(8n)),
  uint8: numbers(unsigned(8n)),
  int16: numbers(signed(16n)),
  uint16: numbers(unsigned(16n)),
  int32: numbers(signed(32n)),
  uint32: numbers(unsigned(32n)),
  int64: signed(64n),
  uint64: unsigned(64n),
  float16: [0, -0, 1.5, 65504, 2 ** -24, Infinity, -Infinity, NaN],
  float32: [0, -0, 1 / 3, 3.4028234663852886e38, 1e-45, Infinity, -Infinity, NaN],
  float64: [0, -0, 1 / 3, 1.7976931348623157e308, 5e-324, Infinity, -Infinity, NaN],
};
export const NUMERIC = Object.keys(ELEMENTS);
const STRINGS = ['', 'plain', 'é𝄞', 'a\u0000b', '"\\\n', 'x'.repeat(40)];
const BYTES = [[], [0], [255, 0, 128], Array.from({ length: 40 }, (_, i) => i)].map((list) => Uint8Array.from(list));

const pick = (list, n) => list[n % list.length];

/** A value of a leaf for a row: deterministic, and different from row to row. */
function valueOf({ name, dtype, shape }, row, salt) {
  const n = row + salt + name.length;
  if (dtype === 'string') return pick(STRINGS, n);
  if (dtype === 'bytes') return pick(BYTES, n);
  if (shape.length === 0) return dtype === 'bool' ? n % 3 === 0 : pick(ELEMENTS[dtype], n);
  const sizes = shape.map((size, d) => size ?? (n * 7 + d * 3) % 5);
  const count = sizes.reduce((product, size) => product * size, 1);
  const list = Array.from({ length: count }, (_, k) => pick(ELEMENTS[dtype], n + k * (1 + (row % 3))));
  const data = arrayType(dtype).from(dtype === 'float16' ? list.map(numberToFloat16) : list);
  return ndarray(data, sizes, dtype);
}

/** The record of a row. */
export function recordOf(schema, row, salt = 0) {
  const leaves = leavesOf(schema);
  return assemble(schema, (leaf) => valueOf(leaves[leaf], row, salt + leaf));
}

const each = (shape) => Object.fromEntries(NUMERIC.map((dtype) => [dtype, field(dtype, shape)]));

export const STRUCTURES = {
  tuple: [field('int32'), field('string'), field('float32', [2])],
  nested: {
    a: { b: field('int64'), c: { d: field('string'), 'with space': field('bytes') } },
    e: [field('uint8', [3]), field('bool')],
  },
  fixed: {
    x: field('float32', [3, 4, 5]),
    y: field('uint8', [1, 1]),
    z: field('int16', [2, 2, 2, 2]),
    t: field('int64'),
  },
  ragged: each([null]),
  'ragged-2d': each([null, 2]),
  'ragged-3d': { v: field('int16', [null, 2, null]), w: field('float64', [null, null]), label: field('uint8') },
  narrow: { a: field('uint8'), b: field('float64'), c: field('int16', [2, 2]) },
  'zero-size': { a: field('int32'), none: field('float32', [0, 3]), s: field('string') },
};

/** Name → schema: bare scalars and tensors of every dtype, and the structures. */
export const SAMPLES = {
  ...Object.fromEntries([...NUMERIC, 'string', 'bytes'].map((dtype) => [`scalar-${dtype}`, field(dtype)])),
  ...Object.fromEntries(NUMERIC.map((dtype) => [`tensor-${dtype}`, field(dtype, [2, 3])])),
  ...STRUCTURES,
};
