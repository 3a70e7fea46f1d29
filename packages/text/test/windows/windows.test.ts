import { describe, expect, jest, test } from '@jest/globals';
import { allocateFresh, type RowSource } from '@dataref/core/adapter';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { windows } from '../../dist/windows/token-files.js';
import { tokenFile, tokenFolder, tokensOf, WAYS, writeNpy } from './token-samples.js';

const seed = announceSeed('text/windows');
jest.setTimeout(600_000);

const anyWindows = fc.record({
  length: fc.integer({ min: 2, max: 300 }),
  sequenceLength: fc.integer({ min: 1, max: 40 }),
  stride: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  dtype: fc.constantFrom('uint16' as const, 'int32' as const),
  as: fc.constantFrom('int32' as const, 'int64' as const),
  way: fc.constantFrom(...WAYS),
});

/** Windows as their definition has them, one token at a time. */
function defined(tokens: readonly number[], size: number, stride: number) {
  const made: { inputs: number[]; labels: number[] }[] = [];
  for (let start = 0; start + size + 1 <= tokens.length; start += stride)
    made.push({ inputs: tokens.slice(start, start + size), labels: tokens.slice(start + 1, start + 1 + size) });
  return made;
}

describe('windows over any token file', () => {
  test('are those of the definition, one by one, in batches, and converted', async () => {
    await fc.assert(
      fc.asyncProperty(anyWindows, async ({ length, sequenceLength, stride, dtype, as, way }) => {
        fc.pre(length > sequenceLength);
        const file = await tokenFile(length, dtype);
        const data = await windows<'int32' | 'int64'>(file, {
          sequenceLength,
          stride,
          dtype: as,
          fingerprint: 'x',
          ...way,
        });
        const wanted = defined(tokensOf(length), sequenceLength, stride ?? sequenceLength);
        expect(data.length).toBe(wanted.length);
        if (stride === undefined) expect(data.length).toBe(Math.floor((length - 1) / sequenceLength));
        const numbers = ({ inputs, labels }: Awaited<ReturnType<typeof data.at>>) => {
          expect([inputs.dtype, labels.dtype, inputs.shape, labels.shape]).toEqual([
            as,
            as,
            [sequenceLength],
            [sequenceLength],
          ]);
          return { inputs: Array.from(inputs.data, Number), labels: Array.from(labels.data, Number) };
        };
        expect(numbers(await data.at(-1))).toEqual(wanted.at(-1));
        const rows: unknown[] = [];
        for await (const batch of data.stream().batch(7)) rows.push(...batch.records().map(numbers));
        expect(rows).toEqual(wanted);
        const backwards = wanted.map((_, i) => wanted.length - 1 - i);
        expect((await data.read(backwards)).records().map(numbers)).toEqual(wanted.toReversed());
        const labels: number[][] = [];
        for await (const { columns } of data.select('labels').stream().batch(1))
          labels.push(Array.from(columns.labels.data, Number));
        expect(labels).toEqual(wanted.map((window) => window.labels));
      }),
      { seed, numRuns: runs(1000) },
    );
  });
});

test('ids above 65,535 and negative ones are read as they are', async () => {
  const values = [70_000, 2 ** 31 - 1, -5, 3];
  const file = await writeNpy(`${await tokenFolder()}/wide.npy`, 'int32', values);
  const data = await windows(file, { sequenceLength: 3, dtype: 'int64', fingerprint: 'x' });
  const { inputs, labels } = await data.at(0);
  expect([Array.from(inputs.data, Number), Array.from(labels.data, Number)]).toEqual([
    values.slice(0, 3),
    values.slice(1),
  ]);
});

test.each(WAYS)('columns are converted $name, as those of any dataset', async (way) => {
  const data = await windows(await tokenFile(100), { sequenceLength: 9, fingerprint: 'x', ...way });
  const indices = Uint32Array.of(3, 0, 9);
  const { rows } = data as unknown as { readonly rows: RowSource };
  const columns = [{ dtype: 'float32', scale: 0.5 }, { dtype: 'int64' }, { dtype: 'uint16' }] as const;
  const plain = (await data.read(indices)).columns.labels.data;
  const read = await rows.read(indices, {
    columns: columns.map((to) => ({ leaf: 1, to })),
    allocate: allocateFresh,
  });
  expect(read.map((column) => [column.leaf.dtype, Array.from(column.data as ArrayLike<number | bigint>)])).toEqual([
    ['float32', Array.from(plain, (id) => id / 2)],
    ['int64', Array.from(plain, BigInt)],
    ['uint16', Array.from(plain)],
  ]);
});

test('a fingerprint tells the tokens, the length of windows and the stride apart, and not the dtype', async () => {
  const file = await tokenFile(100);
  const made = async (sequenceLength: number, stride?: number, fingerprint = 'x', dtype?: 'int64') =>
    (await windows<'int32' | 'int64'>(file, { sequenceLength, stride, fingerprint, dtype })).fingerprint;
  const others = await Promise.all([made(9), made(10), made(9, 3), made(9, undefined, 'y')]);
  expect(new Set(others).size).toBe(4);
  expect(await made(9, 9, 'x', 'int64')).toBe(others[0]);
});
