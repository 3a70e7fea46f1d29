import { expect, test } from '@jest/globals';
import { fromColumns, ndarray } from '@dataref/core';
import { causalCollator, documentMask, IGNORED_LABEL, maskTokens, pack, pad } from '@dataref/text';
import { failure } from '../../../core/test/expect-error.js';
import { gather } from '../../../core/test/stream/gather.js';
import { documentsOf } from './document-samples.js';

const ignored = IGNORED_LABEL;
const numbers = (columns: Readonly<Record<string, { readonly data: ArrayLike<number> }>>) =>
  Object.fromEntries(Object.entries(columns).map(([name, { data }]) => [name, Array.from(data)]));
const first = async <T>(flow: AsyncIterable<T>): Promise<T> => (await gather(flow, 1))[0] as T;

test('windows keep their labels where they are shifted, and are their own where not', async () => {
  const windows = fromColumns({
    inputs: ndarray(Int32Array.of(1, 2, 3, 4), [2, 2]),
    labels: ndarray(Int32Array.of(2, 3, 4, 5), [2, 2]),
  });
  const collated = async (useShiftedLabels?: boolean) =>
    numbers((await first(windows.stream().batch(2).map(causalCollator({ useShiftedLabels })))).columns);
  const same = { input_ids: [1, 2, 3, 4], attention_mask: [1, 1, 1, 1] };
  expect(await collated()).toEqual({ ...same, labels: [1, 2, 3, 4] });
  expect(await collated(true)).toEqual({ ...same, labels: [2, 3, 4, 5] });
});

test('padded rows have no labels at their padding, on either side', async () => {
  const documents = await documentsOf([[1, 2, 3], [4]]);
  const collated = async (side: 'left' | 'right', useShiftedLabels: boolean) => {
    const batches = documents
      .stream()
      .batch(2)
      .map(pad({ padId: 9, side }))
      .map(causalCollator({ useShiftedLabels }));
    return numbers((await first(batches)).columns)['labels'];
  };
  expect(await collated('right', false)).toEqual([1, 2, 3, 4, ignored, ignored]);
  expect(await collated('right', true)).toEqual([2, 3, ignored, ignored, ignored, ignored]);
  expect(await collated('left', false)).toEqual([1, 2, 3, ignored, ignored, 4]);
  expect(await collated('left', true)).toEqual([2, 3, ignored, ignored, ignored, ignored]);
});

test('packed rows hand on their positions, and their mask lets documents see themselves alone', async () => {
  const packed = pack(
    await documentsOf([
      [1, 2],
      [3, 4],
    ]),
    { length: 5 },
  ).batch(1);
  const { columns } = await first(packed);
  expect(numbers(causalCollator({ useShiftedLabels: true })({ columns }) as never)).toEqual({
    input_ids: [1, 2, 3, 4, 0],
    attention_mask: [1, 1, 1, 1, 0],
    labels: [2, ignored, 4, ignored, ignored],
    positions: [0, 1, 0, 1, 0],
  });
  const causal = documentMask(columns.segmentIds);
  expect([causal.dtype, causal.shape]).toEqual(['bool', [1, 5, 5]]);
  const rows = ({ data }: { data: Uint8Array }) =>
    Array.from({ length: 5 }, (_, i) => data.subarray(5 * i, 5 * i + 5).join(''));
  expect(rows(causal)).toEqual(['10000', '11000', '00100', '00110', '00000']);
  expect(rows(documentMask(columns.segmentIds, { causal: false }))).toEqual([
    '11000',
    '11000',
    '00110',
    '00110',
    '00000',
  ]);
});

test('batches of documents are told to be padded', () => {
  const columns = { tokens: [ndarray(Int32Array.of(1), [1])] };
  expect(() => causalCollator()({ columns } as never)).toThrow(failure('SCHEMA_MISMATCH', /go through pad first/u));
  expect(() => causalCollator({ shifted: true } as never)).toThrow(failure('INVALID_ARGUMENT', /"shifted"/u));
});

test('of 10,000 tokens about 15 % are to be told: four fifths of those hidden, a tenth any, a tenth themselves', async () => {
  const tokens = Array.from({ length: 10_000 }, (_, i) => 5 + (i % 900));
  const documents = await documentsOf([[1, ...tokens, 2]]);
  const masked = () =>
    maskTokens(documents.stream({ shuffle: true, shuffleSeed: 7 }), { maskId: 3, vocabSize: 1000, specialIds: [1, 2] });
  const record = await first(masked());
  const [ids, labels] = [Array.from(record.tokens.data), Array.from(record.labels.data)];
  const told = labels.flatMap((label, at) => (label === ignored ? [] : [at]));
  const original = [1, ...tokens, 2];
  expect(told.length / 10_000).toBeCloseTo(0.15, 1);
  expect(told.every((at) => labels[at] === original[at])).toBe(true);
  expect(ids.every((id, at) => labels[at] !== ignored || id === original[at])).toBe(true);
  expect([labels[0], labels.at(-1)]).toEqual([ignored, ignored]);
  const share = (is: (at: number) => boolean) => told.filter(is).length / told.length;
  expect(share((at) => ids[at] === 3)).toBeCloseTo(0.8, 1);
  expect(share((at) => ids[at] === original[at])).toBeCloseTo(0.1, 1);
  expect(Array.from((await first(masked())).tokens.data)).toEqual(ids);
  expect(Array.from(documents.schema.tokens.shape)).toEqual([null]);
});

test.each([
  [{ vocabSize: 10 }, /maskId/u],
  [{ maskId: 10, vocabSize: 10 }, /maskId/u],
  [{ maskId: 1, vocabSize: 10, probability: 2 }, /probability/u],
  [{ maskId: 1, vocabSize: 10, share: 0.1 }, /"share"/u],
])('masking refuses %j', async (options, message) => {
  const documents = await documentsOf([[1]]);
  expect(() => maskTokens(documents, options as never)).toThrow(failure('INVALID_ARGUMENT', message));
});
