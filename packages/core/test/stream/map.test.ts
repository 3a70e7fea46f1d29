import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, mix, ndarray, type DataRef, type MapContext } from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { gather, iterate, range, through } from './gather.js';
import { storageOver, storeInParts } from './store-in-parts.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 9 } as const;
const draw = (index: number, { epoch, random }: MapContext): string => `${epoch}/${index}: ${random()} ${random()}`;

describe('map', () => {
  test('is told the record’s epoch, position and index', async () => {
    const order = await gather<number>(range(12).stream(SHUFFLED));
    const seen = await gather(
      range(12)
        .stream({ ...SHUFFLED, shardRank: 1, numShards: 3 })
        .map((index: number, context) => ({ index, told: context.index, position: context.position }), { schema: { index: field('int32'), told: field('int32'), position: field('int32') } }), // prettier-ignore
    );
    expect(seen).toEqual(
      [1, 4, 7, 10].map((position) => ({ index: order[position], told: order[position], position })),
    );
  });

  test('has random numbers that are the same on any rank, in any world, batched or not, and after a resume', async () => {
    const alone = await gather(range(30).stream(SHUFFLED).repeat(2).map(draw));
    expect(new Set(alone).size).toBe(60);
    const sorted = alone.toSorted();
    for (const numShards of [2, 3]) {
      const shards = await Promise.all(
        Array.from({ length: numShards }, (_, shardRank) =>
          gather(
            range(30)
              .stream({ ...SHUFFLED, shardRank, numShards })
              .repeat(2)
              .map(draw),
          ),
        ),
      );
      expect(shards.flat().toSorted()).toEqual(sorted);
    }
    const batched = await gather(range(30).stream(SHUFFLED).repeat(2).map(draw).globalBatch(7));
    expect(batched.flatMap((batch) => batch.records())).toEqual(alone);
    const stopped = range(30).stream(SHUFFLED).repeat(2).map(draw);
    await gather(stopped, 31);
    const resumed = range(30).stream(SHUFFLED).repeat(2).map(draw).resume(through(stopped.state));
    expect(await gather(resumed)).toEqual(alone.slice(31));
  });

  test('has other random numbers in each epoch, with each seed, and in each map', async () => {
    const numbers = async (seed: number, epochs: number): Promise<number[]> =>
      gather(range(4).stream({ shuffle: true, shuffleSeed: seed }).repeat(epochs).map((_, { random }) => random())); // prettier-ignore
    expect(new Set([...(await numbers(1, 3)), ...(await numbers(2, 1))]).size).toBe(16);
    const twice = range(4).stream(SHUFFLED)
      .map((_, { random }) => ({ first: random() }))
      .map((record, { random }) => ({ ...record, second: random() })); // prettier-ignore
    for (const { first, second } of await gather(twice)) expect(first).not.toBe(second);
  });

  test('has random numbers in [0, 1) that a seedless stream has too', async () => {
    const numbers = await gather(range(500).stream().map((_, { random }) => random())); // prettier-ignore
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(numbers.reduce((sum, x) => sum + x, 0) / 500).toBeCloseTo(0.5, 1);
  });

  test('may be asynchronous, and keeps the order', async () => {
    const slow = range(8).stream().map(async (x: number) => {
      for (let i = 0; i < 8 - x; i++) await new Promise((resolve) => setImmediate(resolve));
      return x * 2;
    }); // prettier-ignore
    expect(await gather(slow)).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
    expect((await gather(slow.batch(3)))[1]?.records()).toEqual([6, 8, 10]);
  });

  test('takes the schema that it is given, else that of its first record', async () => {
    const narrow = range(3).stream().map((x: number) => ({ x }), { schema: { x: field('uint8') } }); // prettier-ignore
    expect(narrow.schema).toEqual({ x: field('uint8') });
    expect((await gather(narrow.batch(3)))[0]?.columns.x.data).toEqual(new Uint8Array([0, 1, 2]));
    const open = range(3).stream().map((x: number) => ({ y: `${x}` })); // prettier-ignore
    expect(() => open.schema).toThrow(failure('UNSUPPORTED', /pass its schema/));
    expect((await gather(open.batch(3)))[0]?.columns).toEqual({ y: ['0', '1', '2'] });
  });

  test('whose results differ is refused, naming the record and the column', async () => {
    const stream = range(5).stream().map((x: number) => ({ y: x < 3 ? x : 'three' })).batch(5); // prettier-ignore
    await expect(gather(stream)).rejects.toEqual(
      failure('SCHEMA_MISMATCH', /what the transforms gave: record 3: y is float64.*"three"/),
    );
  });

  test('that does not give what its schema declares is named', async () => {
    const schema = { y: field('float64') };
    const wrong = (x: number) => ({ y: x < 3 ? x : 'three' }) as never;
    const said = /what the transforms gave, with the schema declared for /u.source;
    // prettier-ignore
    const cases = [
      [range(5).stream().map(wrong, { schema }), 'map: '],
      [range(5).stream().filter(() => true).map(wrong, { schema }), 'map, function 2 of the pipeline: '],
      [range(5).stream().map((x: number) => x).map(wrong, { schema }).filter(() => true), 'map, function 2 of the pipeline: '],
      [range(5).stream().map((x: number) => x).flatMap((x: number) => [wrong(x)], { schema }), 'flatMap, function 2 of the pipeline: '],
    ] as const;
    for (const [stream, step] of cases)
      await expect(gather(stream.batch(5))).rejects.toEqual(
        failure('SCHEMA_MISMATCH', new RegExp(`${said}${step}record 3: y is float64`)),
      );
  });

  test('on a shard without a record in the first batch has the schema that the others have', async () => {
    const mapped = range(1).stream({ shardRank: 2, numShards: 3 }).map((x: number) => ({ image: ndarray(Float32Array.of(x, x), [2]) })); // prettier-ignore
    const [kept] = await gather(mapped.globalBatch(3));
    expect([kept?.length, kept?.globalLength]).toEqual([0, 1]);
    expect(kept?.columns.image).toMatchObject({ dtype: 'float32', shape: [0, 2] });
    const [padded] = await gather(mapped.globalBatch(3, { remainder: 'pad' }));
    expect(padded?.columns.image).toMatchObject({ dtype: 'float32', shape: [1, 2], data: new Float32Array(2) });
  });

  test('is not run for records that skip and take leave out', async () => {
    const seen: number[] = [];
    const stream = range(100).stream().skip(10).take(5).map((x: number) => {
      seen.push(x);
      return x;
    }); // prettier-ignore
    await gather(stream);
    expect(seen).toEqual([10, 11, 12, 13, 14]);
  });

  test('has a signal that is aborted when the stream is closed, and when it is superseded', async () => {
    const signals: AbortSignal[] = [];
    const stream = range(5).stream().map((x: number, { signal }) => {
      signals.push(signal);
      return x;
    }); // prettier-ignore
    await iterate(stream).next();
    await iterate(stream).next();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await stream.close();
    expect(signals[1]?.aborted).toBe(true);
  });

  test('needs a function', () => {
    expect(() =>
      range(3)
        .stream()
        .map('x' as never),
    ).toThrow(failure('INVALID_ARGUMENT', /function.*got "x"/));
    expect(() =>
      range(3)
        .stream()
        .batch(2)
        .map(undefined as never),
    ).toThrow(failure('INVALID_ARGUMENT', /function/));
  });
});

describe('a map that fails', () => {
  const store = new MemoryStore();
  const failing = async (isBroken: () => boolean) => {
    await storeInParts(store, range(10), 'digits', '2.0', 4);
    const dataref: DataRef = await storageOver(store, 'positional').fetch('digits', '2.0');
    return dataref.stream(SHUFFLED).repeat(2).map((x: number, { epoch }) => {
      if (isBroken() && epoch === 1 && x === 4) throw new TypeError('no such digit');
      return x;
    }); // prettier-ignore
  };

  test('names dataset, record, epoch and position, and keeps the cause', async () => {
    const stream = await failing(() => true);
    const second = await gather<number>(range(10).stream({ ...SHUFFLED, startOffset: 10 }));
    const position = second.indexOf(4);
    const error: unknown = await gather(stream).catch((caught: unknown) => caught);
    expect(error).toEqual(
      failure('MAP_FAILED', new RegExp(`digits@2.0, record 4, epoch 1, position ${position}: no such digit`)),
    );
    const { cause, details } = error as { cause: unknown; details: unknown };
    expect(cause).toBeInstanceOf(TypeError);
    expect(details).toEqual({ dataset: 'digits', version: '2.0', index: 4, epoch: 1, position });
  });

  test('leaves the stream where that record is next, to be resumed once it is mended', async () => {
    const order = await gather<number>(range(10).stream(SHUFFLED).repeat(2));
    let broken = true;
    for (const ahead of [0, 3]) {
      broken = true;
      const plain = await failing(() => broken);
      const stream = ahead === 0 ? plain : plain.prefetch({ batches: ahead });
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        for await (const x of stream) seen.push(x);
      };
      await expect(read()).rejects.toEqual(failure('MAP_FAILED', /record 4/));
      const { state } = stream;
      await expect(gather(stream.resume(state))).rejects.toEqual(failure('MAP_FAILED', /record 4/));
      broken = false;
      expect([...seen, ...(await gather(stream.resume(state)))]).toEqual(order);
    }
  });

  test('fails its batch, before which the stream then stands', async () => {
    let broken = true;
    const stream = (await failing(() => broken)).batch(4);
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const batch of stream) seen.push(...batch.records());
    };
    await expect(read()).rejects.toEqual(failure('MAP_FAILED', /record 4/));
    expect(seen.length % 4).toBe(0);
    broken = false;
    const { state } = stream;
    const rest = (await gather(stream.resume(state))).flatMap((batch) => batch.records());
    expect([...seen, ...rest]).toEqual(await gather(range(10).stream(SHUFFLED).repeat(2)));
  });

  test('over batches names the batch', async () => {
    const stream = range(10).stream().batch(3).map(({ step, columns }) => {
      if (step === 2) throw new Error('third');
      return columns;
    }); // prettier-ignore
    await expect(gather(stream)).rejects.toEqual(failure('MAP_FAILED', /batch 2 of epoch 0, position 6: third/));
    expect(stream.state.node).toMatchObject({ input: { count: 2, input: { position: 6 } } });
  });
});

describe('a map over batches', () => {
  const data = fromColumns({ x: Float64Array.from({ length: 10 }, (_, i) => i), name: Array.from('abcdefghij') });

  test('gives the columns of the batch, which keeps all else', async () => {
    const stream = data.stream().batch(4).map(({ columns: { x, name }, length }) => ({
      twice: ndarray(Float32Array.from(x.data, (value: number) => value * 2), [length, 1]),
      name,
    })); // prettier-ignore
    const [first, , last] = await gather(stream);
    expect(first?.columns.twice).toMatchObject({ dtype: 'float32', shape: [4, 1], data: Float32Array.of(0, 2, 4, 6) });
    expect(first?.columns.name).toEqual(['a', 'b', 'c', 'd']);
    expect(Array.from(last?.indices ?? [])).toEqual([8, 9]);
    expect([last?.length, last?.validLength, last?.globalLength, last?.step]).toEqual([2, 2, 2, 2]);
    expect(last?.records().map(({ name }) => name)).toEqual(['i', 'j']);
  });

  test('must give as many rows as the batch has', async () => {
    const stream = data.stream().batch(4).map(() => ({ x: new Float32Array(3) })); // prettier-ignore
    await expect(gather(stream)).rejects.toEqual(failure('INVALID_ARGUMENT', /x has 3 rows.*4/));
  });

  test('has random numbers that depend on the batch’s place alone', async () => {
    const build = () => data.stream(SHUFFLED).batch(4).map(({ length }, { random }) => Float64Array.from({ length }, random)); // prettier-ignore
    const all = (await gather(build())).map((batch) => [...batch.columns.data]);
    const stopped = build();
    await gather(stopped, 1);
    const resumed = build().resume(stopped.state);
    expect((await gather(resumed)).map((batch) => [...batch.columns.data])).toEqual(all.slice(1));
  });
});

test('a failure of onError names the record, and the failure thrown again is itself', async () => {
  const failing = range(4).stream().map((x: number) => { if (x === 2) throw new Error('no 2'); return x; }, { onError: () => { throw new TypeError('nor so'); } }); // prettier-ignore
  const error = await gather(failing).catch((reason: unknown) => reason);
  expect(error).toEqual(failure('MAP_FAILED', /onError of map failed on .*record 2, epoch 0, position 2: nor so/));
  expect(error).toMatchObject({ cause: expect.any(TypeError), details: { index: 2, position: 2 } });
  const again = range(4).stream().map(() => { throw new Error('no'); }, { onError: (reason) => { throw reason; } }); // prettier-ignore
  await expect(gather(again)).rejects.toThrow(failure('MAP_FAILED', /^map failed on .*record 0/));
});

test('a failure of the weights of a mix is told with its epoch and its cause', async () => {
  const weights = (epoch: number): number[] => {
    if (epoch === 1) throw new TypeError('no weights');
    return [1, 1];
  };
  const mixed = mix([range(2).stream(), range(2).stream()], { weights, until: 'allEnd' });
  expect(await gather(mixed)).toHaveLength(4);
  const error = await gather(mixed).catch((reason: unknown) => reason);
  expect(error).toEqual(failure('MAP_FAILED', /weights of mix failed for epoch 1: no weights/));
  expect(error).toMatchObject({ cause: expect.any(TypeError), details: { epoch: 1 } });
});
