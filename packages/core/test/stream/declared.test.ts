import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, zip, type Batch, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, iterate } from './gather.js';

const vectors = { x: field('int32', [2]) } as const;
/** Record i is 10 · i; the fourth is what is wrong. */
const tens = () => fromColumns(Float64Array.from([0, 10, 20, 30, 40]));
const good = (x: number): unknown => ({ x: Int32Array.of(x, x) });
const WRONG: readonly [string, string, unknown][] = [
  ['a wrong dtype', 'SCHEMA_MISMATCH', { x: Float32Array.of(0.5, 1) }],
  ['a wrong shape', 'RAGGED', { x: Int32Array.of(1, 2, 3) }],
  ['a missing field', 'SCHEMA_MISMATCH', {}],
  ['an additional field', 'SCHEMA_MISMATCH', { x: Int32Array.of(1, 2), y: 1 }],
  ['no record', 'SCHEMA_MISMATCH', 5],
  ['a number that does not fit', 'LOSSY_CAST', { x: [0.5, 1] }],
  ['a null', 'NULL_VALUE', { x: null }],
  ['nothing', 'NULL_VALUE', undefined],
];
const given = (wrong: unknown) => (x: number) => (x === 30 ? wrong : good(x)) as any;

/** The transforms after it, none of which looks at what the map gave. */
const AFTER: readonly [string, (stream: Stream) => AsyncIterable<unknown>, number][] = [
  ['no more', (stream) => stream, 3],
  ['prefetch', (stream) => stream.prefetch(), 3],
  ['map', (stream) => stream.map(() => 1), 3],
  ['map and batch', (stream) => stream.map(() => 1).batch(1), 3],
  ['filter', (stream) => stream.filter(() => true), 3],
  ['take and skip', (stream) => stream.skip(1).take(9), 2],
  ['window', (stream) => stream.window(2), 1],
  ['zip', (stream) => zip([stream, stream]), 3],
  ['batch', (stream) => stream.batch(1), 3],
];

describe.each(WRONG)('%s where a schema was declared', (_, code, wrong) => {
  const refused = (step: string) =>
    failure(
      code as any,
      new RegExp(wrong === undefined ? `record 3: ${step} gave undefined` : `schema declared for ${step}: record 3\\b`),
    );
  const transforms: readonly [string, string, (stream: Stream) => Stream][] = [
    ['map', 'map', (stream) => stream.map(given(wrong), { schema: vectors })],
    ['map with onError', 'map', (stream) => stream.map(given(wrong), { schema: vectors, onError: 'skip' })],
    ['a map after another', 'map, function 2 of the pipeline', (stream) => stream.map((x: number) => x).map(given(wrong), { schema: vectors })], // prettier-ignore
    ['flatMap', 'flatMap', (stream) => stream.flatMap((x: number) => [given(wrong)(x)], { schema: vectors })],
  ];
  test.each(transforms)('ends the stream at that record, of %s', async (_name, step, transform) => {
    for (const [after, through, before] of AFTER) {
      const stream = through(transform(tens().stream()));
      const elements: unknown[] = [];
      const read = (async () => {
        for await (const element of stream) elements.push(element);
      })();
      await expect(read).rejects.toEqual(refused(step));
      expect([after, elements.length]).toEqual([after, before]);
    }
  });
});

test('what conforms is given as it is', async () => {
  const schema = { x: field('float32', [null]), text: field('string') } as const;
  const made = Array.from({ length: 5 }, (_, i) => ({ x: new Float32Array(i), text: 'a'.repeat(i) }));
  const stream = () => tens().stream().map((x: number) => made[x / 10] as never, { schema }); // prettier-ignore
  const records = await gather<unknown>(stream());
  for (const [i, record] of records.entries()) expect(record).toBe(made[i]);
  expect(await gather<Batch>(stream().filter(() => true).batch(2))).toHaveLength(3); // prettier-ignore
});

test('what onError gives instead is held to it too', async () => {
  const fail = (): never => {
    throw new Error('no');
  };
  const stream = tens().stream().map(fail, { schema: vectors, onError: () => ({ y: 1 }) }); // prettier-ignore
  await expect(iterate(stream as Stream).next()).rejects.toEqual(failure('SCHEMA_MISMATCH', /schema declared for map: record 0/)); // prettier-ignore
});
