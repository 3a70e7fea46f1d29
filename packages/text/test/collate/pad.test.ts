import { expect, jest, test } from '@jest/globals';
import { field, fromRecords } from '@dataref/core';
import { IGNORED_LABEL, maskTokens, pad } from '@dataref/text';
import * as fc from 'fast-check';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { gather } from '../../../core/test/stream/gather.js';
import { anyDocuments, documentsOf } from './document-samples.js';

const seed = announceSeed('text/pad');
jest.setTimeout(600_000);

/** An array [rows, width] as lists. */
function listsOf({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }): number[][] {
  const [rows = 0, width = 0] = shape;
  return Array.from({ length: rows }, (_, row) => Array.from(data).slice(row * width, (row + 1) * width));
}

const anyOptions = fc.record({
  padId: fc.constant(100),
  length: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  keepLast: fc.boolean(),
  multipleOf: fc.constantFrom(1, 4),
  side: fc.constantFrom('left' as const, 'right' as const),
});

test('rows are padded, cut and masked as the options say', async () => {
  await fc.assert(
    fc.asyncProperty(anyDocuments, anyOptions, async (documents, options) => {
      const { length, keepLast, multipleOf, side, padId } = options;
      const data = await documentsOf(documents);
      const [batch] = await gather(data.stream().batch(documents.length).map(pad(options)));
      const longest = Math.max(1, ...documents.map((tokens) => tokens.length));
      const width = length ?? Math.ceil(longest / multipleOf) * multipleOf;
      const wanted = documents.map((tokens) => {
        const cut = tokens.slice(0, width);
        if (keepLast && tokens.length > width) cut[width - 1] = tokens.at(-1) as number;
        const filling = Array<number>(width - cut.length).fill(padId);
        return side === 'left' ? [...filling, ...cut] : [...cut, ...filling];
      });
      expect(listsOf(batch?.columns.input_ids as never)).toEqual(wanted);
      expect(listsOf(batch?.columns.attention_mask as never)).toEqual(
        wanted.map((row) => row.map((id) => (id === padId ? 0 : 1))),
      );
    }),
    { seed, numRuns: runs(500) },
  );
});

test('labels are padded with what is ignored, other lists with zero, and the rest is handed on', async () => {
  const schema = {
    tokens: field('int32', [null]),
    labels: field('int32', [null]),
    types: field('int64', [null]),
    of: field('string'),
  };
  const rows = [
    { tokens: Int32Array.of(1, 2, 3), labels: Int32Array.of(4, 5, 6), types: BigInt64Array.of(1n, 1n, 1n), of: 'a' },
    { tokens: Int32Array.of(7), labels: Int32Array.of(8), types: BigInt64Array.of(1n), of: 'b' },
  ];
  const data = await fromRecords(rows, { schema });
  const [batch] = await gather(
    data
      .stream()
      .batch(2)
      .map(pad({ padId: 9 })),
  );
  expect(
    Object.fromEntries(
      Object.entries(batch?.columns ?? {}).map(([name, column]) => [
        name,
        Array.isArray(column) ? column : Array.from((column as { data: ArrayLike<number> }).data),
      ]),
    ),
  ).toEqual({
    input_ids: [1, 2, 3, 7, 9, 9],
    attention_mask: [1, 1, 1, 1, 0, 0],
    labels: [4, 5, 6, 8, IGNORED_LABEL, IGNORED_LABEL],
    types: [1n, 1n, 1n, 1n, 0n, 0n],
    of: ['a', 'b'],
  });
});

test('masked documents are padded alike', async () => {
  const data = await documentsOf([[1, 2, 3], [4]]);
  const masked = maskTokens(data, { maskId: 50, vocabSize: 51, probability: 1 });
  const [batch] = await gather(masked.batch(2).map(pad({ padId: 0, length: 4 })));
  expect(listsOf(batch?.columns.labels as never)).toEqual([
    [1, 2, 3, IGNORED_LABEL],
    [4, IGNORED_LABEL, IGNORED_LABEL, IGNORED_LABEL],
  ]);
});

test('refuses bad options, batches without tokens, and lists that differ', async () => {
  for (const options of [
    {},
    { padId: -1 },
    { padId: 0, length: 0 },
    { padId: 0, side: 'top' },
    { padId: 0, multipleOf: 0 },
    { padId: 0, keepLast: 1 },
    { padId: 0, maxLength: 3 },
  ])
    expect(() => pad(options as never)).toThrow(
      failure('INVALID_ARGUMENT', new RegExp(Object.keys(options).at(-1) ?? 'padId', 'u')),
    );
  expect(() => pad({ padId: 0 })({ columns: { tokens: Int32Array.of(1) } } as never)).toThrow(
    failure('SCHEMA_MISMATCH', /pad needs a column tokens/u),
  );
  const schema = { tokens: field('int32', [null]), labels: field('int32', [null]) };
  const data = await fromRecords([{ tokens: Int32Array.of(1, 2), labels: Int32Array.of(1) }], { schema });
  await expect(
    gather(
      data
        .stream()
        .batch(1)
        .map(pad({ padId: 0 })),
    ),
  ).rejects.toEqual(failure('MAP_FAILED', /row 0 of the batch has 2 tokens and 1 of labels/u));
});
