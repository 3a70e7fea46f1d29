import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { concat, defineDataRef, field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import * as fc from 'fast-check';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { gather, range } from '../stream/gather.js';
import { anySample, openSample, removeSamples, richRecord } from '../stream/samples.js';

const seed = announceSeed('dataset/dataset');
jest.setTimeout(600_000);
afterAll(removeSamples);
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const plain = (value: unknown): unknown => structuredClone(value);
const two = (): DataRef => fromColumns({ a: new Int32Array([1, 2, 3]), b: ['x', 'y', 'z'] });

describe('any dataset', () => {
  test('gives the same records by at, by read, by stream and by batch', async () => {
    await fc.assert(
      fc.asyncProperty(anySample(20), async (sample) => {
        const dataref = await openSample(sample);
        expect(dataref.length).toBe(sample.length);
        const streamed = (await gather(dataref.stream())).map(plain);
        const indices = streamed.map((_, i) => i);
        expect((await Promise.all(indices.map((i) => dataref.at(i)))).map(plain)).toEqual(streamed);
        const back = indices.toReversed();
        const rows = await dataref.read(back);
        expect(rows.length).toBe(sample.length);
        expect(rows.records().map(plain)).toEqual(streamed.toReversed());
        const batched = await gather(dataref.stream().batch(7));
        expect(batched.flatMap((batch) => batch.records()).map(plain)).toEqual(streamed);
        const ids = streamed.map((record) => (typeof record === 'object' ? (record as { id: number }).id : record));
        expect(sorted(ids as number[])).toEqual(indices);
        if (!sample.isRich || sample.kind === 'select') return;
        expect(streamed).toEqual(ids.map((id) => plain(richRecord(id as number))));
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('has a fingerprint that opening it again does not change, and other records do', async () => {
    await fc.assert(
      fc.asyncProperty(anySample(12), async (sample) => {
        const { fingerprint } = await openSample(sample);
        expect((await openSample(sample)).fingerprint).toBe(fingerprint);
        expect((await openSample({ ...sample, length: sample.length + 1 })).fingerprint).not.toBe(fingerprint);
      }),
      { seed, numRuns: runs(200) },
    );
    expect(fromColumns(new Int32Array([1, 2])).fingerprint).not.toBe(fromColumns(new Int32Array([2, 1])).fingerprint);
    expect(fromColumns({ a: ['ab', 'c'] }).fingerprint).not.toBe(fromColumns({ a: ['a', 'bc'] }).fingerprint);
    expect(fromColumns({ a: ['a'] }).fingerprint).not.toBe(fromColumns({ b: ['a'] }).fingerprint);
  });
});

describe('at and read', () => {
  test('count from the end where an index of at is negative', async () => {
    expect([await range(5).at(-1), await range(5).at(-5)]).toEqual([4, 0]);
  });

  test('take repeats, and no rows at all', async () => {
    expect((await range(5).read([3, 3, 0])).records()).toEqual([3, 3, 0]);
    for (const data of [range(5), two(), concat(two(), two()), two().select('b')]) {
      const none = await data.read([]);
      expect([none.length, none.records()]).toEqual([0, []]);
    }
  });

  test('refuse an index that there is not', async () => {
    for (const index of [5, -6, 0.5, NaN, Infinity])
      await expect(range(5).at(index)).rejects.toEqual(failure('OUT_OF_RANGE', /the dataset has 5/));
    await expect(range(5).read([0, -1])).rejects.toEqual(failure('OUT_OF_RANGE', /no record -1/));
    await expect(range(0).at(0)).rejects.toEqual(failure('OUT_OF_RANGE', /has 0/));
  });

  test('reject with the signal’s own reason', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(range(5).at(0, { signal })).rejects.toBe(reason);
    await expect(range(5).read([0], { signal })).rejects.toBe(reason);
  });
});

describe('slice', () => {
  test('is Array.slice over records', async () => {
    const whole = Array.from({ length: 10 }, (_, i) => i);
    const places = fc.option(fc.integer({ min: -12, max: 12 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -12, max: 12 }), places, async (start, end) => {
        const sliced = range(10).slice(start, end);
        expect(await gather(sliced.stream())).toEqual(whole.slice(start, end));
        expect(sliced.length).toBe(whole.slice(start, end).length);
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('of a slice is a slice, and other slices have other fingerprints', async () => {
    expect(await gather(range(10).slice(2, 8).slice(1, -1).stream())).toEqual([3, 4, 5, 6]);
    const prints = [range(10), range(10).slice(0, 9), range(10).slice(1), range(10).slice(2)].map((d) => d.fingerprint);
    expect(new Set(prints).size).toBe(4);
    expect(() => range(10).slice(0.5)).toThrow(failure('INVALID_ARGUMENT', /slice: start.*0\.5/));
  });
});

describe('select', () => {
  test('keeps the named columns, in the order of the names, and reads no other', async () => {
    const selected = two().select('b', 'a');
    expect(Object.keys(selected.schema)).toEqual(['b', 'a']);
    expect(await gather(selected.stream())).toEqual([{ b: 'x', a: 1 }, { b: 'y', a: 2 }, { b: 'z', a: 3 }]); // prettier-ignore
    const nested = fromColumns({ x: { p: new Int8Array([1]), q: new Int8Array([2]) }, y: new Int8Array([3]) });
    expect(await nested.select('x').at(0)).toEqual({ x: { p: 1, q: 2 } });
  });

  test('names what there is where a column is missing', () => {
    expect(() => two().select('c')).toThrow(failure('INVALID_ARGUMENT', /"c".*a: int32, b: string/));
    expect(() => two().select()).toThrow(failure('INVALID_ARGUMENT', /at least one/));
    expect(() => range(3).select('a')).toThrow(failure('INVALID_ARGUMENT', /no named columns/));
  });
});

describe('split', () => {
  test('parts are disjoint, of the fractions asked for, together the whole, and the same for the same seed', async () => {
    const weights = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 60 }), weights, fc.nat({ max: 1000 }), async (length, parts, splitSeed) => {
        const total = Math.max(1, parts.reduce((sum, part) => sum + part, 0)); // prettier-ignore
        const fractions = Object.fromEntries(parts.map((part, i) => [`part${i}`, part / total]));
        const all = range(length).split(fractions, { seed: splitSeed });
        const again = range(length).split(fractions, { seed: splitSeed });
        const seen: number[] = [];
        for (const [name, part] of Object.entries(all)) {
          const records = await gather<number>(part.stream());
          expect(Math.abs(records.length - (fractions[name] as number) * length)).toBeLessThanOrEqual(1);
          expect(await gather(again[name]!.stream())).toEqual(records);
          expect(again[name]!.fingerprint).toBe(part.fingerprint);
          seen.push(...records);
        }
        const whole = Array.from({ length: parts.some((part) => part > 0) ? length : 0 }, (_, i) => i);
        expect(sorted(seen)).toEqual(whole);
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('is at random, and by the seed', async () => {
    const first = async (splitSeed: number): Promise<number[]> =>
      gather(range(50).split({ a: 0.5 }, { seed: splitSeed }).a.stream());
    const one = await first(1);
    expect(one).not.toEqual(sorted(one));
    expect(sorted(await first(2))).not.toEqual(sorted(one));
  });

  test('rounds where parts end, as is documented', () => {
    const { train, test: held } = range(10).split({ train: 0.95, test: 0.05 }, { seed: 1 });
    expect([train.length, held.length]).toEqual([10, 0]);
  });

  test('refuses fractions that are none, and a missing seed', () => {
    expect(() => range(9).split({ a: 0.5 }, { sed: 1 } as never)).toThrow(
      failure('INVALID_ARGUMENT', /unknown option "sed"; there are seed/),
    );
    expect(() => range(9).split({ a: 1.5 }, { seed: 1 })).toThrow(failure('INVALID_ARGUMENT', /a is 1\.5/));
    expect(() => range(9).split({ a: 0.7, b: 0.7 }, { seed: 1 })).toThrow(failure('INVALID_ARGUMENT', /1\.4/));
    expect(() => range(9).split({}, { seed: 1 })).toThrow(failure('INVALID_ARGUMENT', /fractions/));
    expect(() => range(9).split({ a: 0.5 }, {} as never)).toThrow(failure('INVALID_ARGUMENT', /split: seed/));
    expect(() => range(9).split({ a: 0.5 }, undefined as never)).toThrow(failure('INVALID_ARGUMENT', /split: seed/));
  });
});

describe('concat', () => {
  test('is the records of each, one after another, empty ones too', async () => {
    const all = concat(range(2), range(0), range(3));
    expect([all.length, await gather(all.stream())]).toEqual([5, [0, 1, 0, 1, 2]]);
    const [batch] = await gather(concat(two(), two()).stream().batch(6));
    expect(batch?.columns).toMatchObject({ a: { shape: [6] }, b: ['x', 'y', 'z', 'x', 'y', 'z'] });
  });

  test('refuses datasets that differ, and none', () => {
    expect(() => concat(range(2), two())).toThrow(
      failure('SCHEMA_MISMATCH', /dataset 1 has .*a: int32.*first has float64/),
    );
    expect(() => concat()).toThrow(failure('INVALID_ARGUMENT', /at least one/));
  });

  test('has columns converted as each of its datasets has', async () => {
    const [batch] = await gather(concat(two(), two()).select('a').stream({ shuffle: true, shuffleSeed: 1 }).batch(6));
    expect(sorted([...batch!.columns.a.data])).toEqual([1, 1, 2, 2, 3, 3]);
  });
});

describe('defineDataRef', () => {
  const schema = { x: field('float32', [2]), n: field('int64') };
  const make = (i: number) => ({ x: ndarray(Float32Array.of(i, -i), [2]), n: BigInt(i) });

  test('works wherever our own datasets do', async () => {
    const custom = defineDataRef({ length: 9, schema, fingerprint: 'v1', read: (at) => at.map(make) });
    expect(plain(await custom.at(3))).toEqual(plain(make(3)));
    const whole = await gather(custom.stream({ shuffle: true, shuffleSeed: 2, shardRank: 0, numShards: 2 }).batch(5));
    expect(whole[0]?.columns.n.data).toBeInstanceOf(BigInt64Array);
    expect(concat(custom.slice(0, 2), custom.slice(5)).length).toBe(6);
    expect(custom.fingerprint).toBe('v1');
  });

  test('gives read the indices and a signal, never none', async () => {
    const asked: number[][] = [];
    const custom = defineDataRef({
      length: 3,
      schema: field('float64'),
      fingerprint: 'v1',
      read: (at, { signal }) => {
        expect(signal.aborted).toBe(false);
        asked.push([...at]);
        return at.map((i) => i);
      },
    });
    for (const shardRank of [0, 1, 2, 3]) await gather(custom.stream({ shardRank, numShards: 4 }).globalBatch(4));
    expect(asked).toEqual([[0], [1], [2]]);
  });

  test('finds a read that gives too few, too many, nulls or another structure', async () => {
    const broken = (read: (at: readonly number[]) => unknown) =>
      gather(
        defineDataRef({ length: 4, schema, fingerprint: 'v', read: read as never })
          .stream()
          .batch(4),
      );
    await expect(broken((at) => at.slice(1).map(make))).rejects.toEqual(
      failure('SCHEMA_MISMATCH', /4 records and gave 3/),
    );
    await expect(broken(() => undefined)).rejects.toEqual(failure('SCHEMA_MISMATCH', /gave undefined/));
    await expect(broken((at) => at.map((i) => (i === 2 ? null : make(i))))).rejects.toEqual(
      failure('NULL_VALUE', /record 2/),
    );
    await expect(broken((at) => at.map((i) => ({ ...make(i), x: new Float32Array(3) })))).rejects.toEqual(failure('RAGGED', /record 0: x/)); // prettier-ignore
    await expect(broken((at) => at.map((i) => ({ x: make(i).x })))).rejects.toEqual(
      failure('SCHEMA_MISMATCH', /column "n" is missing/),
    );
  });

  test('lets a failure of read through as it is, and the stream stands before it', async () => {
    const reason = new Error('line is dead');
    let isDead = false;
    const custom = defineDataRef({
      length: 6, schema: field('float64'), fingerprint: 'v1',
      read: async (at) => { if (isDead && at.includes(4)) throw reason; return [...at]; },
    }); // prettier-ignore
    isDead = true;
    const stream = custom.stream().batch(2);
    await expect(gather(stream)).rejects.toBe(reason);
    isDead = false;
    expect((await gather(stream.resume(stream.state)))[0]?.records()).toEqual([4, 5]);
  });

  test('refuses what is no source', () => {
    expect(() => defineDataRef(undefined as never)).toThrow(failure('INVALID_ARGUMENT', /read\(indices\)/));
    expect(() => defineDataRef({ length: 1, schema } as never)).toThrow(failure('INVALID_ARGUMENT', /read\(indices\)/));
    const read = (): never[] => [];
    expect(() => defineDataRef({ length: -1, schema, fingerprint: '', read })).toThrow(
      failure('INVALID_ARGUMENT', /length.*-1/),
    );
    expect(() => defineDataRef({ length: 1, schema: {}, fingerprint: '', read })).toThrow(
      failure('INVALID_ARGUMENT', /at least one column/),
    );
  });
});

test('a DataRef made by hand works where ours do', async () => {
  const own = await fromRecords([{ x: 1 }, { x: 2 }]);
  const byHand = {
    length: 2, schema: own.schema, fingerprint: 'by hand',
    stream: () => own.stream(), resume: () => own.stream(), at: (i: number) => own.at(i), read: (at: ArrayLike<number>) => own.read(at),
    slice: () => own, select: () => own, split: () => ({}),
  } as unknown as typeof own; // prettier-ignore
  expect(await gather(concat(own, byHand).stream())).toEqual([{ x: 1 }, { x: 2 }, { x: 1 }, { x: 2 }]);
});
