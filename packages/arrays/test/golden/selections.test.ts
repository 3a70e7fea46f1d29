import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isDataRefError, ndarray, type NDArray, type NumericDType } from '@dataref/core';
import { arrayType } from '@dataref/core/adapter';
import type { Index } from '@dataref/arrays';
import { numberToFloat16 } from '../../../core/dist/schema/float16.js';
import { planWrite, readSelection } from '../../dist/selection/copy.js';
import { resolveSelection } from '../../dist/selection/resolve.js';
import { resolveValue, type ArrayValue, type NestedValue } from '../../dist/values/value.js';
import { MemoryChunks } from '../selection/memory-chunks.js';
import { bytesOf, elementsOf } from '../selection/plain-array.js';

interface Case {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly selection: readonly Index[];
  /** Hexadecimal, little-endian. */
  readonly result?: string;
  readonly error?: string;
}
interface GetCase extends Case {
  readonly isScalar: boolean;
  readonly resultShape: readonly number[];
}
interface SetCase extends Case {
  readonly cast: boolean;
  readonly value: ValueCase;
}
interface ValueCase {
  readonly kind: 'ndarray' | 'typed' | 'list' | 'number' | 'bigint' | 'boolean';
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly data: string;
}

const golden = JSON.parse(readFileSync(new URL('selections.json', import.meta.url), 'utf8')) as {
  readonly numpy: string;
  readonly gets: readonly GetCase[];
  readonly sets: readonly SetCase[];
};

test(`${golden.gets.length} selections are read as numpy ${golden.numpy} reads them, or refused where it refuses`, async () => {
  const seen = await Promise.all(golden.gets.map(async (given) => ({ ...given, ...(await read(given)) })));
  expect(seen).toEqual(golden.gets);
  expect(golden.gets.length + golden.sets.length).toBeGreaterThan(300);
});

async function read({ dtype, shape, chunk, selection, error }: GetCase): Promise<Partial<GetCase>> {
  const source = countingFrom(dtype, shape, chunk);
  return orCode(error, async () => {
    const resolved = resolveSelection('a', shape, selection);
    const result = await readSelection(source, resolved);
    const array = resolved.isScalar ? ndarray(arrayOf(dtype, [result]), [], dtype) : (result as NDArray);
    return {
      isScalar: resolved.isScalar,
      resultShape: array.shape as readonly number[],
      result: Buffer.from(bytesOf(array.data)).toString('hex'),
    };
  });
}

test(`${golden.sets.length} values are broadcast, cast and written as numpy ${golden.numpy} does, or refused where it refuses`, async () => {
  const seen = await Promise.all(golden.sets.map(async (given) => ({ ...given, ...(await write(given)) })));
  expect(seen).toEqual(golden.sets);
});

async function write({ dtype, shape, chunk, selection, value, cast, error }: SetCase): Promise<Partial<SetCase>> {
  const array = countingFrom(dtype, shape, chunk);
  return orCode(error, async () => {
    const resolved = resolveSelection('a', shape, selection);
    array.write(planWrite(array, resolved, resolveValue('a', dtype, resolved, valueOf(value), { cast })));
    return Promise.resolve({ result: Buffer.from(array.toPlain(0).elements.buffer).toString('hex') });
  });
}

async function orCode<T>(error: string | undefined, run: () => Promise<T>): Promise<T | { readonly error: string }> {
  try {
    return await run();
  } catch (failed) {
    if (error === undefined || !isDataRefError(failed)) throw failed;
    return { error: failed.code };
  }
}

/** 0, 1, 2 … in C order, as the script has it. */
function countingFrom(dtype: NumericDType, shape: readonly number[], chunk: readonly number[]): MemoryChunks {
  const array = new MemoryChunks(dtype, shape, chunk);
  const count = shape.reduce((a, b) => a * b, 1);
  const numbers = Array.from({ length: count }, (_, i) => (dtype === 'bool' ? (i % 100) % 2 : i % 100));
  array.fillFrom({ dtype, shape, elements: elementsOf(dtype, shape, bytesOf(arrayOf(dtype, numbers))) });
  return array;
}

function arrayOf(dtype: NumericDType, values: readonly unknown[]): NDArray['data'] {
  const big = dtype === 'int64' || dtype === 'uint64';
  const elements = values.map((x) =>
    big ? BigInt(x as number) : dtype === 'float16' ? numberToFloat16(x as number) : x,
  );
  const array = new (arrayType(dtype))(elements.length);
  elements.forEach((element, i) => (array[i] = element as never));
  return array;
}

function valueOf({ kind, dtype, shape, data }: ValueCase): ArrayValue {
  const elements = new (arrayType(dtype))(new Uint8Array(Buffer.from(data, 'hex')).buffer);
  if (kind === 'ndarray') return ndarray(elements, shape, dtype);
  if (kind === 'typed') return elements;
  if (kind === 'list') return nested(Array.from(elements as Float64Array), shape);
  return kind === 'boolean' ? elements[0] !== 0 : (elements[0] as number | bigint);
}

function nested(elements: readonly number[], shape: readonly number[]): NestedValue | number {
  const [size, ...rest] = shape;
  if (size === undefined) return elements[0] as number;
  const each = elements.length / size;
  return Array.from({ length: size }, (_, i) => nested(elements.slice(i * each, (i + 1) * each), rest));
}
