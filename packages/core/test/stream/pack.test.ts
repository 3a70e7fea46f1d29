import { describe, expect, jest, test } from '@jest/globals';
import {
  defineDataRef,
  field,
  fromRecords,
  ndarray,
  type MapContext,
  type NDArray,
  type Schema,
  type Stream,
} from '@dataref/core';
import { isField } from '@dataref/core/adapter';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../scale.js';
import { bestFitRows } from '../../dist/stream/best-fit.js';
import { failure } from '../expect-error.js';
import { gather, through } from './gather.js';

const seed = announceSeed('stream/pack');
jest.setTimeout(600_000);

interface Row {
  readonly tokens: NDArray;
  readonly segmentIds: NDArray;
  readonly positions: NDArray;
}
/** Document i has its number at every position, and where in it that is. */
const documents = (lengths: readonly number[]): Stream =>
  defineDataRef({
    length: lengths.length,
    schema: { tokens: field('int32', [null, 2]) },
    fingerprint: `documents ${lengths.join()}`,
    read: (at) =>
      at.map((i) => ({ tokens: ndarray(Int32Array.from({ length: lengths[i]! * 2 }, (_, k) => (k % 2 ? k >> 1 : i)), [lengths[i]!, 2]) })), // prettier-ignore
  }).stream();

/** Numbers in [0, 1) from a seed: Park and Miller's minimal standard generator. */
function randomNumbers(from: number): () => number {
  let state = (Math.abs(from) % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
/** Lengths as texts have them: log-normal, the median 200, some far longer than a row of 1024. */
function logNormal(count: number, from: number): number[] {
  const random = randomNumbers(from);
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    return Math.max(1, Math.round(200 * Math.exp(1.1 * normal)));
  });
}

/** What a row's segments say: document, first position, and how many of them. */
function segmentsOf({ tokens, segmentIds, positions }: Row): { document: number; start: number; count: number }[] {
  const segments: { document: number; start: number; count: number }[] = [];
  let last = 0;
  for (const [at, id] of Array.from(segmentIds.data as Int32Array).entries()) {
    const [document, place] = [tokens.data[at * 2], tokens.data[at * 2 + 1]];
    if (id === 0) {
      expect([document, place, positions.data[at]]).toEqual([0, 0, 0]);
      continue;
    }
    expect(place).toBe(positions.data[at]);
    if (id === last) {
      const segment = segments.at(-1)!;
      expect([document, place]).toEqual([segment.document, segment.start + segment.count]);
      segment.count++;
    } else {
      expect(id).toBe(last + 1);
      segments.push({ document: Number(document), start: Number(place), count: 1 });
    }
    last = id;
  }
  return segments;
}

const anyLengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 40 })), { maxLength: 40 }); // prettier-ignore

describe('bestFitRows', () => {
  test('places every position once, cuts only what is longer than a row, and is within what is known of its waste', () => {
    fc.assert(
      fc.property(anyLengths, fc.integer({ min: 1, max: 16 }), (lengths, length) => {
        const rows = bestFitRows(lengths, length);
        const placed = lengths.map((size) => new Array<number>(size).fill(0));
        for (const row of rows) {
          expect(row.length).toBeGreaterThan(0);
          expect(row.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThanOrEqual(length);
          for (const { item, start, end } of row) {
            expect(end).toBeGreaterThan(start);
            if (lengths[item]! <= length) expect([start, end]).toEqual([0, lengths[item]]);
            for (let i = start; i < end; i++) placed[item]![i]!++;
          }
          expect(row.map(({ item }) => item)).toEqual(row.map(({ item }) => item).sort((a, b) => a - b));
        }
        expect(placed.flat().every((times) => times === 1)).toBe(true);
        // 11/9 of the best number of rows, and 6/9: Dósa, "The tight bound of first fit decreasing" (2007), best fit too.
        const least = Math.ceil(lengths.reduce((sum, size) => sum + size, 0) / length);
        const large = lengths.flatMap((size) => size % length).filter((rest) => rest > length / 2).length;
        const full = lengths.reduce((sum, size) => sum + Math.floor(size / length), 0);
        if (large + full >= least) expect(rows.length).toBeLessThanOrEqual(Math.floor((11 * (large + full) + 6) / 9) + least); // prettier-ignore
        // At most one row is half empty: two such would have been one.
        const loads = rows.map((row) => row.reduce((sum, { start, end }) => sum + end - start, 0));
        expect(loads.filter((load) => load * 2 <= length).length).toBeLessThanOrEqual(1);
        expect(bestFitRows(lengths, length)).toEqual(rows);
      }),
      { seed, numRuns: runs(3000) },
    );
  });
});

describe("pack 'best-fit'", () => {
  test('fills at least 97 % of the positions on log-normal lengths, in blocks of 1000', async () => {
    const lengths = logNormal(5000, 7);
    expect(lengths.some((size) => size > 1024)).toBe(true);
    let rows = 0;
    let filled = 0;
    for await (const { segmentIds } of documents(lengths).pack(1024, { strategy: 'best-fit' }) as AsyncIterable<Row>) {
      rows++;
      for (const id of segmentIds.data as Int32Array) filled += id > 0 ? 1 : 0;
    }
    expect(filled).toBe(lengths.reduce((sum, size) => sum + size, 0));
    const share = filled / (rows * 1024);
    console.info(`stream/pack: ${(share * 100).toFixed(2)} % of ${rows} rows filled`);
    expect(share).toBeGreaterThanOrEqual(0.97);
  });

  test('reads one block ahead, and no more', async () => {
    let read = 0;
    const dataref = defineDataRef({
      length: 4000,
      schema: { tokens: field('int32', [null]) },
      fingerprint: 'counted',
      read: (at) => {
        read += at.length;
        return at.map((i) => ({ tokens: ndarray(new Int32Array(1 + (i % 9)), [1 + (i % 9)]) }));
      },
    });
    for await (const _ of dataref.stream().pack(32, { strategy: 'best-fit', blockSize: 100 })) break;
    // A block, the record that follows, and the rest of the chunk that it was read with.
    expect(read).toBeLessThanOrEqual(101 + 256);
  });

  test('never cuts what fits a row, and round-trips', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLengths,
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 12 }),
        async (lengths, length, blockSize) => {
          // prettier-ignore
          const rows = (await gather(documents(lengths).pack(length, { strategy: 'best-fit', blockSize }))) as Row[];
          const found = rows.flatMap(segmentsOf);
          for (const { document, start, count } of found)
            if (lengths[document]! <= length) expect([start, count]).toEqual([0, lengths[document]]);
          expect(wholeLengths(found, lengths.length)).toEqual(lengths);
        },
      ),
      { seed, numRuns: runs(500) },
    );
  });

  test('refuses a record longer than a row where it is told to', async () => {
    const stream = documents([3, 9, 2]).pack(8, { strategy: 'best-fit', longRecords: 'error' });
    await expect(gather(stream)).rejects.toThrow(failure('OUT_OF_RANGE', /record 1.*has 9 positions, a row has 8/));
  });
});

describe("pack 'concatenate'", () => {
  test('gives the documents one after another, cut where a row is full, and round-trips', async () => {
    await fc.assert(
      fc.asyncProperty(anyLengths, fc.integer({ min: 1, max: 16 }), async (lengths, length) => {
        const rows = (await gather(documents(lengths).pack(length))) as Row[];
        const total = lengths.reduce((sum, size) => sum + size, 0);
        expect(rows.length).toBe(Math.ceil(total / length));
        const found = rows.flatMap(segmentsOf);
        expect(found.map(({ document }) => document)).toEqual(found.map(({ document }) => document).sort((a, b) => a - b)); // prettier-ignore
        expect(wholeLengths(found, lengths.length)).toEqual(lengths);
      }),
      { seed, numRuns: runs(500) },
    );
  });

  test('refuses records without an axis, by name: as it is built, or where only a function tells, as they come', async () => {
    const scalars = (await fromRecords([{ x: 1 }])).stream();
    expect(() => scalars.pack(4)).toThrow(failure('SCHEMA_MISMATCH', /pack: .*x is no array/));
    expect(() => scalars.bucketByLength(4)).toThrow(failure('SCHEMA_MISMATCH', /bucketByLength: .*give lengthOf/));
    expect(scalars.bucketByLength(4, { lengthOf: ({ x }) => x }).schema).toEqual({ x: field('float64') });
    const made = scalars.map((record: unknown) => record).pack(4);
    await expect(gather(made)).rejects.toThrow(failure('SCHEMA_MISMATCH', /^pack: .*record 0/));
    const bucketed = scalars.map((record: unknown) => record).bucketByLength(4);
    const noLength =
      /^bucketByLength: .*record 0, .* is an object: a record without an array has no length; give lengthOf/;
    await expect(gather(bucketed)).rejects.toThrow(failure('SCHEMA_MISMATCH', noLength));
  });

  test.each([
    ['a vector', field('int32', [null]), { values: field('int32', [4]) }],
    ['a nested column of rows', { a: { b: field('float32', [9, 2]) } }, { a: { b: field('float32', [4, 2]) } }],
    ['bytes', { text: field('bytes') }, { text: field('uint8', [4]) }],
  ] as const)('knows its schema before reading: of %s', async (_, schema, columns) => {
    const one = (given: Schema): any => {
      if (!isField(given)) return Object.fromEntries(Object.entries(given).map(([name, child]) => [name, one(child)]));
      if (given.dtype === 'bytes') return new Uint8Array(3);
      const shape = given.shape.map((size) => size ?? 3);
      const size = shape.reduce((product, axis) => product * axis, 1);
      return ndarray(given.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size), shape);
    };
    const dataset = defineDataRef({ length: 5, schema, fingerprint: 'any', read: (at) => at.map(() => one(schema)) });
    const packed = dataset.stream().pack(4);
    expect(packed.schema).toEqual({ ...columns, segmentIds: field('int32', [4]), positions: field('int32', [4]) });
    const [batch] = await gather(packed.batch(2));
    expect((batch as unknown as { schema: Schema }).schema).toEqual(packed.schema);
  });

  test('refuses columns of its own names', () => {
    const schema = { segmentIds: field('int32', [null]) };
    const dataset = defineDataRef({ length: 1, schema, fingerprint: 'taken', read: () => [] });
    expect(() => dataset.stream().pack(4)).toThrow(failure('SCHEMA_MISMATCH', /segmentIds of its own/));
  });
});

describe('the random numbers of maps after pack', () => {
  const LENGTHS = [3, 30, 1, 17, 8, 2];
  const draw = (_: unknown, { index, random }: MapContext) => ({ index, drawn: random() });
  const strategies = [
    ['concatenate', {}],
    ['best-fit', { strategy: 'best-fit', blockSize: 4 }],
  ] as const;
  const twice = (stream: Stream, options: object) =>
    stream.pack(8, options).map(({ tokens }: Row) => ({ tokens })).pack(3, options); // prettier-ignore

  test.each(strategies)('differ from row to row, also of one record, %s', async (_, options) => {
    for (const flow of [documents(LENGTHS).pack(8, options), twice(documents(LENGTHS), options)]) {
      const rows = (await gather(flow.map(draw))) as ReturnType<typeof draw>[];
      expect(rows.filter(({ index }) => index === 1).length).toBeGreaterThan(2);
      expect(new Set(rows.map(({ drawn }) => drawn)).size).toBe(rows.length);
    }
  });

  test.each(strategies)('of a first row are those of its first record, %s', async (_, options) => {
    const alone = (await gather(documents(LENGTHS).map(draw))) as ReturnType<typeof draw>[];
    const rows = (await gather(documents(LENGTHS).pack(8, options).map(draw))) as ReturnType<typeof draw>[];
    for (const [i, { index, drawn }] of rows.entries())
      if (rows.findIndex((row) => row.index === index) === i) expect(drawn).toBe(alone[index]!.drawn);
  });

  test.each(strategies)('are the same after a resume, %s', async (_, options) => {
    const make = () => twice(documents(LENGTHS), options).map(draw);
    const all = await gather(make());
    for (let after = 1; after < all.length; after++) {
      const stream = make();
      await gather(stream, after);
      expect(await gather(make().resume(through(stream.state)))).toEqual(all.slice(after));
    }
  });
});

/** The documents' lengths, put together from their segments, each of whose positions has to come once. */
function wholeLengths(
  segments: readonly { document: number; start: number; count: number }[],
  documentCount: number,
): number[] {
  const lengths = Array.from({ length: documentCount }, () => 0);
  for (const { document, start, count } of segments.toSorted((a, b) => a.document - b.document || a.start - b.start)) {
    expect(start).toBe(lengths[document]);
    lengths[document]! += count;
  }
  return lengths;
}

test('a failure of lengthOf is told with its record and its cause', async () => {
  const thrower = ({ tokens }: { tokens: NDArray }): number => {
    if (tokens.shape[0] === 2) throw new TypeError('no length');
    return 1;
  };
  for (const [what, make] of [
    ['pack', (stream: Stream) => stream.pack(2, { lengthOf: thrower })],
    ['pack', (stream: Stream) => stream.pack(2, { lengthOf: thrower, strategy: 'best-fit' })],
    ['bucketByLength', (stream: Stream) => stream.bucketByLength(2, { lengthOf: thrower })],
  ] as const) {
    const error = await gather(make(documents([1, 2, 3]))).catch((reason: unknown) => reason);
    expect(error).toEqual(
      failure('MAP_FAILED', new RegExp(`lengthOf of ${what} failed on .*record 1, epoch 0, position 1: no length`)),
    );
    expect(error).toMatchObject({ cause: expect.any(TypeError), details: { index: 1, position: 1 } });
  }
});
