import { describe, expect, test } from '@jest/globals';
import { concatStreams, field, fromRecords, mix, zip, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range } from './gather.js';

const short = (): Stream => range(7).stream().window(3, { remainder: 'keep' });
const vectors = async (a: number, b: number): Promise<Stream> =>
  (await fromRecords([{ a: new Int32Array(a), b: new Int32Array(b) }])).stream();

/** What the schemas tell beforehand is an error when the pipeline is built, not when it comes to the record. */
describe('built is refused', () => {
  const SHORT = (what: string) => failure('SCHEMA_MISMATCH', new RegExp(`^${what} .*window.*remainder: 'drop'.*map`));
  const same = (x: unknown): boolean => x !== null;

  test.each<[string, (stream: Stream) => Stream]>([
    ['', (stream) => stream],
    ['filter', (stream) => stream.filter(same)],
    ['take, skip and repeat', (stream) => stream.skip(1).take(2).repeat(2)],
    ['prefetch', (stream) => stream.prefetch()],
    ['bucketByLength', (stream) => stream.bucketByLength(2, { lengthOf: (list: unknown[]) => list.length })],
    ['another window', (stream) => stream.window(2)],
    ['mix', (stream) => mix([range(9).stream().window(3), stream], { weights: [1, 1], until: 'allEnd' })],
    ['concatStreams', (stream) => concatStreams([stream, stream])],
    ['zip', (stream) => zip([range(9).stream(), stream])],
  ])('a batch of windows of which the last are short, through %s', (_, through) => {
    expect(() => through(short()).batch(1)).toThrow(SHORT('batch'));
    expect(() => through(short()).globalBatch(1)).toThrow(SHORT('globalBatch'));
    expect(() => through(short()).pack(4)).toThrow(SHORT('pack'));
  });

  test('not what a map or a flatMap made of them, nor windows of one', async () => {
    const first = ([x]: number[]): number => x as number;
    for (const stream of [
      short().map(first),
      short().map(first).filter(same),
      short().map(first, { onError: 'skip' }),
      short().flatMap((list: number[]) => list.slice(0, 1)),
    ])
      expect((await gather(stream.batch(2))).map((batch: any) => batch.records())).toEqual([[0, 3], [6]]);
    expect(await gather(range(3).stream().window(1, { remainder: 'keep' }).batch(2))).toHaveLength(2);
    expect(await gather(short())).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  test('a pack of columns that cannot have as many positions, but with lengthOf', async () => {
    const stream = await vectors(3, 4);
    expect(() => stream.pack(4)).toThrow(failure('SCHEMA_MISMATCH', /pack: .*a has 3 positions, b has 4.*lengthOf/));
    expect(await gather(stream.pack(4, { lengthOf: () => 3 }))).toHaveLength(1);
  });

  test('a pack into rows for which all records are too long, where they are not to be cut', async () => {
    const stream = await vectors(5, 5);
    const options = { strategy: 'best-fit', longRecords: 'error' } as const;
    expect(() => stream.pack(4, options)).toThrow(failure('OUT_OF_RANGE', /every record has 5 positions, a row has 4/));
    expect(await gather(stream.pack(5, options))).toHaveLength(1);
    expect(await gather(stream.pack(4))).toHaveLength(2);
  });

  test('a batch of more columns than there can be', () => {
    const windows = range(9000).stream().window(4097);
    expect(() => windows.batch(1)).toThrow(failure('SCHEMA_MISMATCH', /^batch: .*more than 4096 columns/));
  });

  test('a join of streams with different declared schemas', () => {
    const other = range(4).stream().map((x: number) => ({ x }), { schema: { x: field('float32') } }); // prettier-ignore
    const refused = failure('SCHEMA_MISMATCH', /input 1 has { x: float32 }, input 0 has float64/);
    expect(() => concatStreams([range(4).stream(), other as never])).toThrow(refused);
  });
});
