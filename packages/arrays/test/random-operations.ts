import { expect } from '@jest/globals';
import { ndarray, type NumericDType } from '@dataref/core';
import { slice, type Arrays, type ChunkedArray, type Index } from '@dataref/arrays';
import { Model } from './model.js';

type Random = () => number;

const upTo = (random: Random, most: number): number => Math.floor(random() * (most + 1));
const oneOf = <T>(random: Random, items: readonly T[]): T => items[upTo(random, items.length - 1)] as T;

const DTYPES: readonly NumericDType[] = ['uint8', 'int16', 'uint32', 'float32', 'float64'];
const COMPRESSORS = ['none', 'gzip', 'zlib', 'lz4', 'zstd', 'blosc'] as const;

/** An array of a random form goes through random operations, and is compared with a plain one after each. */
export async function randomOperations(random: Random, arrays: Arrays, name: string, count: number): Promise<void> {
  const rank = upTo(random, 3) + 1;
  const shape = Array.from({ length: rank }, () => upTo(random, 7));
  const chunk = Array.from({ length: rank }, () => upTo(random, 3) + 1);
  const dtype = oneOf(random, DTYPES);
  const compress = oneOf(random, COMPRESSORS);
  const model = new Model(shape);
  let array: ChunkedArray = await arrays.array(name, { shape, chunk, dtype, compress, ifExists: 'replace' });
  for (let i = 0; i < count; i++) {
    await oneOf(random, [write, write, write, write, resize, append, reopen])();
    await compare(Array<Index>(rank).fill(null));
    await compare(anySelection(random, model.shape));
  }

  async function write(): Promise<void> {
    const selection = anySelection(random, model.shape);
    const { shape: selected } = model.get(selection);
    const size = selected.reduce((product, n) => product * n, 1);
    const isScalar = random() < 0.3;
    const values = Array.from({ length: isScalar ? 1 : size }, () => upTo(random, 100));
    model.set(selection, values);
    const value = isScalar ? (values[0] as number) : ndarray(Float64Array.from(values), selected);
    await array.set(selection, value);
  }
  async function resize(): Promise<void> {
    const sizes = model.shape.map((size) => Math.max(0, size + upTo(random, 6) - 3));
    model.resize(sizes);
    await array.resize(sizes);
  }
  async function append(): Promise<void> {
    const [length = 0, ...rest] = model.shape;
    const records = upTo(random, 3);
    const size = rest.reduce((product, n) => product * n, records);
    const values = Array.from({ length: size }, () => upTo(random, 100));
    model.resize([length + records, ...rest]);
    model.set([slice(length, length + records)], values);
    expect(await array.append(ndarray(Float64Array.from(values), [records, ...rest]))).toBe(length);
  }
  async function reopen(): Promise<void> {
    array = await arrays.openArray(name);
  }
  async function compare(selection: readonly Index[]): Promise<void> {
    const expected = model.get(selection);
    const got = await array.get([...selection]);
    expect(array.shape).toEqual(model.shape);
    if (typeof got !== 'object') expect([got]).toEqual(expected.values);
    else expect({ shape: got.shape, values: Array.from(got.data, Number) }).toEqual(expected);
  }
}

function anySelection(random: Random, shape: readonly number[]): Index[] {
  const selection = shape.slice(0, upTo(random, shape.length)).map((size): Index => {
    const kind = random();
    if (kind < 0.3 && size > 0) return upTo(random, size - 1) - (random() < 0.5 ? size : 0);
    if (kind < 0.5) return null;
    const bound = (): number | null => (random() < 0.3 ? null : upTo(random, 2 * size + 2) - size - 1);
    return slice(bound(), bound(), random() < 0.5 ? null : upTo(random, 2) + 1);
  });
  if (selection.length < shape.length && random() < 0.2) selection.push('...');
  return selection;
}
