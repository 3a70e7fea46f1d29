import { expect, jest, test } from '@jest/globals';
import type { NDArray } from '@dataref/core';
import { slice, type Index } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { readSelection } from '../../dist/selection/copy.js';
import { resolveSelection } from '../../dist/selection/resolve.js';
import { NUMERIC_DTYPES } from '../numeric-dtypes.js';
import { Dice } from './any-selection.js';
import { MemoryChunks } from './memory-chunks.js';
import { bytesOf, elementsOf, numberOf, plainSelect } from './plain-array.js';

// In full there are thousands of arrays.
jest.setTimeout(600_000);

test('any selection of any array is what a plain array gives, bit by bit, and asks once for each chunk that it touches', async () => {
  const dice = new Dice(randomOf(announceSeed('readSelection')));
  for (let run = 0; run < runs(10_000); run++) {
    const dtype = dice.oneOf(NUMERIC_DTYPES);
    const shape = dice.shape();
    const source = new MemoryChunks(dtype, shape, dice.chunk(shape));
    source.fillFrom(dice.array(dtype, shape));
    if (dice.isBelow(0.3)) source.chunks.delete([...source.chunks.keys()][0] ?? '');
    const { fill, bits } = dice.fill(dtype);
    const given = dice.selection(shape);
    const plain = plainSelect(shape, given);
    const about = JSON.stringify({ dtype, shape, chunk: source.chunk, given, fill: String(fill) });
    if (plain === 'refused') {
      expect(() => resolveSelection('a', shape, given)).toThrow(/the index of axis/);
      continue;
    }
    const selection = resolveSelection('a', shape, given);
    const result = await readSelection(source, selection, { parallel: 1, fill });
    const { elements } = source.toPlain(bits);
    const expected = elementsOf(dtype, plain.shape);
    plain.places.forEach((place, i) => (expected[i] = elements[numberOf(place, shape)] as never));
    if (selection.isScalar) expect([about, typeof result]).not.toEqual([about, 'object']);
    else {
      const array = result as NDArray;
      expect([about, array.dtype, array.shape]).toEqual([about, dtype, plain.shape]);
      expect([about, Buffer.from(bytesOf(array.data)).toString('hex')]).toEqual([
        about,
        Buffer.from(expected.buffer).toString('hex'),
      ]);
    }
    const touched = new Set(plain.places.map((place) => source.keyOf(place)));
    expect([about, source.reads.toSorted()]).toEqual([about, [...touched].sort()]);
  }
});

test('single values are booleans of bool, bigints of 64 bits, and numbers of float16', async () => {
  const one = async (dtype: 'bool' | 'int64' | 'float16' | 'uint8', bits: number): Promise<unknown> => {
    const source = new MemoryChunks(dtype, [3], [2]);
    source.chunks.set('1', (dtype === 'int64' ? BigInt64Array.of(BigInt(bits), 0n) : bitsOf(dtype, bits)) as never);
    return readSelection(source, resolveSelection('a', [3], [-1]));
  };
  expect(await one('bool', 1)).toBe(true);
  expect(await one('int64', -5)).toBe(-5n);
  expect(await one('float16', 0x3e00)).toBe(1.5);
  expect(await one('uint8', 7)).toBe(7);
  const scalar = new MemoryChunks('uint8', [], []);
  expect(await readSelection(scalar, resolveSelection('a', [], []), { fill: 9 })).toBe(9);
  expect(await readSelection(scalar, resolveSelection('a', [], ['...']), { fill: 9 })).toMatchObject({ shape: [] });
});

const bitsOf = (dtype: string, bits: number): unknown =>
  dtype === 'float16' ? Uint16Array.of(bits, 0) : Uint8Array.of(bits, 0);

test('a few places of a sparse array far larger than memory are read, and all of it is refused', async () => {
  const shape = [2 ** 40, 3, 2 ** 12];
  const source = new MemoryChunks('uint8', shape, [1, 1, 2 ** 11]);
  source.chunks.set(`${2 ** 39},2,1`, new Uint8Array(2 ** 11).fill(5));
  const selection = resolveSelection('a', shape, [slice(2 ** 39, null, 2 ** 38), -1, slice(-2, null)]);
  expect(await readSelection(source, selection)).toMatchObject({ data: Uint8Array.of(5, 5, 0, 0), shape: [2, 2] });
  expect(source.reads.length).toBe(2);
  await expect(readSelection(source, resolveSelection('a', shape, []))).rejects.toEqual(
    failure('MEMORY_LIMIT', /\[\] selects uint8\[1099511627776, 3, 4096\]/),
  );
});

test('a chunk that lies in the result as it is may be put there; one of which a part is taken may not', async () => {
  const given = async (selected: readonly Index[]): Promise<unknown> => {
    const offered: unknown[] = [];
    const source = {
      dtype: 'int32' as const,
      shape: [4, 6],
      chunk: [2, 6],
      readChunk: async (_: unknown, { into }: { readonly into?: Uint8Array | undefined } = {}) => {
        offered.push(into?.byteOffset);
        return Int32Array.from({ length: 12 }, (_value, i) => i);
      },
    };
    await readSelection(source, resolveSelection('a', [4, 6], selected), { parallel: 1 });
    return offered;
  };
  expect(await given([])).toEqual([0, 48]);
  expect(await given([slice(1, 4)])).toEqual([undefined, 24]);
  expect(await given([null, slice(0, 5)])).toEqual([undefined, undefined]);
  expect(await given([slice(null, null, 2)])).toEqual([undefined, undefined]);
});

test('no more chunks are asked for at once than `parallel` says, and none after one has failed', async () => {
  let under = 0;
  let most = 0;
  let asked = 0;
  const source = {
    dtype: 'uint8' as const,
    shape: [100],
    chunk: [1],
    readChunk: async (): Promise<undefined> => {
      most = Math.max(most, ++under);
      await new Promise((done) => setImmediate(done));
      under--;
      if (++asked === 20) throw new Error('gone');
    },
  };
  await expect(readSelection(source, resolveSelection('a', [100], []), { parallel: 4 })).rejects.toThrow('gone');
  expect([most, under]).toEqual([4, 0]);
  expect(asked).toBeLessThan(24);
});

test('an abort ends a read with its reason, though the source does not listen to it', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const source = {
    dtype: 'uint8' as const,
    shape: [4],
    chunk: [1],
    readChunk: async (): Promise<undefined> => {
      controller.abort(new Error('enough'));
      return new Promise(() => undefined);
    },
  };
  const selection = resolveSelection('a', [4], []);
  await expect(readSelection(source, selection, { signal })).rejects.toThrow('enough');
  await expect(readSelection(source, selection, { signal })).rejects.toThrow('enough');
});
