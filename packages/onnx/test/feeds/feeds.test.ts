import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import '@dataref/onnx';
import { toOrtFeeds, type OrtBatch } from '@dataref/onnx/pure';
import { Tensor } from 'onnxruntime-common';
import * as ort from 'onnxruntime-node';
import { input, modelOf, openEcho } from './tiny-model.js';

const digits = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: 10 * 4 }, (_, i) => i),
    [10, 2, 2],
  ),
  label: Int32Array.from({ length: 10 }, (_, i) => i - 3),
});
const shuffled = () => digits.stream({ shuffle: true, shuffleSeed: 1 });
const model = [input('x', 'uint8', ['N', 2, 2]), input('y', 'int64', ['N'])];
const inputs = { x: 'image', y: 'label' } as const;

async function all<T>(flow: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of flow) items.push(item);
  return items;
}
const dataOf = (batch: OrtBatch, name: string): unknown[] => Array.from(batch.feeds[name]!.data as ArrayLike<unknown>);

test('feeds run in a session as they come: every record once, dtypes those of the model', async () => {
  const session = await openEcho(model);
  const seen: number[] = [];
  for await (const { feeds, length, validLength, epoch } of shuffled().batch(4).toOrtFeeds({ session, ort, inputs })) {
    const outputs = await session.run(feeds);
    expect(outputs['seen.x']!.dims).toEqual([length, 2, 2]);
    expect(outputs['seen.y']!.type).toBe('int64');
    const labels = Array.from(outputs['seen.y']!.data as BigInt64Array, Number);
    const pixels = outputs['seen.x']!.data as Uint8Array;
    expect(labels.map((label) => 4 * (label + 3))).toEqual(Array.from(labels, (_, i) => pixels[4 * i]));
    expect([validLength, epoch]).toEqual([length, 0]);
    seen.push(...labels);
  }
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => i - 3));
  await session.release();
});

describe('an iteration', () => {
  const session = modelOf(model);
  test.each(
    resumeSuite({ pipeline: () => shuffled().batch(3).toOrtFeeds({ session, ort, inputs }) }).map(
      ({ name, run }) => [name, run] as const,
    ),
  )('%s', (_, run) => run());

  test.each(
    resumeSuite({
      pipeline: () => toOrtFeeds(shuffled().batch(3), { session, ort, inputs }).repeat(2).skip(1).take(4).prefetch(),
    }).map(({ name, run }) => [name, run] as const),
  )('repeated, skipped and taken: %s', (_, run) => run());

  test('has the length, the epoch and the end of the stream', async () => {
    const feeds = shuffled().batch(4).toOrtFeeds({ session, ort, inputs });
    expect([feeds.length, feeds.repeat().length, feeds.epoch, feeds.skipped]).toEqual([3, Infinity, 0, 0]);
    expect((await all(feeds)).map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(feeds.epoch).toBe(1);
    expect(new Set((await all(feeds)).map(({ epoch }) => epoch))).toEqual(new Set([1]));
    await feeds.close();
    await expect(all(feeds)).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  });

  test('supersedes an older one, and serves concurrent calls in turn', async () => {
    const feeds = digits.stream().batch(4).toOrtFeeds({ session, ort, inputs });
    const old = feeds[Symbol.asyncIterator]();
    const [first, second] = await Promise.all([old.next(), old.next()]);
    expect([first, second].map(({ value }) => dataOf(value as OrtBatch, 'y')[0])).toEqual([-3n, 1n]);
    await feeds[Symbol.asyncIterator]().next();
    await expect(old.next()).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await feeds.close();
  });
});

describe('the arrays of a batch', () => {
  const session = modelOf(model);
  const buffersOf = ({ feeds }: OrtBatch): ArrayBufferLike[] =>
    Object.values(feeds).map(({ data }) => (data as Uint8Array).buffer);

  test('are its own, unless reuseBuffers says that they are written anew', async () => {
    const own = await all(shuffled().batch(2).toOrtFeeds({ session, ort, inputs }));
    expect(new Set(own.flatMap(buffersOf)).size).toBe(10);
    const buffers = new Set<ArrayBufferLike>();
    const seen: unknown[] = [];
    const reused = shuffled().batch(2).toOrtFeeds({ session, ort, inputs, reuseBuffers: true });
    for await (const batch of reused) {
      for (const buffer of buffersOf(batch)) buffers.add(buffer);
      seen.push([dataOf(batch, 'x'), dataOf(batch, 'y')]);
    }
    expect(buffers.size).toBe(2);
    expect(seen).toEqual(own.map((batch) => [dataOf(batch, 'x'), dataOf(batch, 'y')]));
  });

  test('stay as they are while others are made ahead', async () => {
    const reused = shuffled().batch(2).toOrtFeeds({ session, ort, inputs, reuseBuffers: true });
    const fresh = shuffled().batch(2).toOrtFeeds({ session, ort, inputs });
    const seen: unknown[] = [];
    for await (const batch of reused.prefetch({ batches: 3 })) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      seen.push(dataOf(batch, 'x'));
    }
    expect(seen).toEqual((await all(fresh)).map((batch) => dataOf(batch, 'x')));
  });

  test('are poisoned when they expire, in debug mode, and the dataset is not', async () => {
    const words = await fromRecords(
      [1, 2, 3].map((n) => ({ f: ndarray(Float32Array.of(n, n), [2]), h: n, n, s: `word ${n}`, t: n > 1 })),
    );
    const poisoned = modelOf([
      input('f', 'float32', ['N', 2]),
      input('h', 'float16', ['N']),
      input('n', 'int32', ['N']),
      input('s', 'string', ['N']),
      input('t', 'bool', ['N']),
      input('mask', 'float32', ['N']),
    ]);
    const feeds = () =>
      words
        .stream()
        .batch(1)
        .toOrtFeeds({
          session: poisoned,
          ort,
          inputs: { f: 'f', h: { column: 'h', dtype: 'float16' }, n: { column: 'n', dtype: 'int32' }, s: 's', t: 't' },
          maskInput: 'mask',
          poisonExpired: true,
          reuseBuffers: true,
        });
    const [first, second] = await all(feeds());
    const shown = Object.fromEntries(Object.keys(first!.feeds).map((name) => [name, dataOf(first!, name)]));
    expect(shown).toEqual({
      f: [NaN, NaN],
      h: 'Float16Array' in globalThis ? [NaN] : [0x7e00],
      n: [0xaaaaaaaa | 0],
      s: ['expired'],
      t: [0xaa],
      mask: [NaN],
    });
    expect(dataOf(second!, 's')).toEqual(['expired']);
    let last: OrtBatch | undefined;
    for await (const batch of feeds()) {
      expect(dataOf(batch, 's')[0]).toMatch(/^word/u);
      last = batch;
      if (dataOf(batch, 'n')[0] === 2) break;
    }
    expect(dataOf(last!, 'f')).toEqual([2, 2]); // a loop that was left keeps what it has
    expect((await words.at(0)).f.data).toEqual(Float32Array.of(1, 1));
  });

  test('are copies where a map of batches made them, which keeps its own', async () => {
    const table = Float32Array.of(1, 2, 3, 4);
    const feeds = digits
      .stream()
      .batch(4, { remainder: 'drop' })
      .map(() => ({ z: table }))
      .toOrtFeeds({ session: modelOf([input('z', 'float32', [4])]), ort, poisonExpired: true, reuseBuffers: true });
    for await (const batch of feeds) expect(dataOf(batch, 'z')).toEqual([1, 2, 3, 4]);
    expect(Array.from(table)).toEqual([1, 2, 3, 4]);
  });

  test('are copies of strings and of Buffers too', async () => {
    const kept = { z: Buffer.of(1, 2, 3, 4), words: ['a', 'b', 'c', 'd'] };
    const feeds = digits
      .stream()
      .batch(4, { remainder: 'drop' })
      .map(() => ({ ...kept }))
      .toOrtFeeds({ session: modelOf([input('z', 'uint8', [4]), input('words', 'string', [4])]), ort, poisonExpired: true }); // prettier-ignore
    for await (const { feeds: tensors } of feeds) expect(tensors['z']!.data).not.toBe(kept.z);
    expect(kept).toEqual({ z: Buffer.of(1, 2, 3, 4), words: ['a', 'b', 'c', 'd'] });
  });
});

describe('a last batch with fewer records', () => {
  const dynamic = [input('label', 'int32', ['N']), input('mask', 'float32', ['N'])];
  const fixed = [input('label', 'int32', [4]), input('mask', 'bool', [4])];

  test('passes for a model of any batch size, with a mask of ones', async () => {
    const feeds = digits
      .stream()
      .batch(4)
      .toOrtFeeds({ session: modelOf(dynamic), ort, maskInput: 'mask' });
    expect((await all(feeds)).map((batch) => dataOf(batch, 'mask'))).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1],
    ]);
  });

  test('is padded and masked for one of a fixed size, and runs there', async () => {
    const session = await openEcho(fixed, []);
    const feeds = digits.stream().batch(4, { remainder: 'pad' }).toOrtFeeds({ session, ort, maskInput: 'mask' });
    const masks: unknown[] = [];
    for await (const { feeds: tensors, length, validLength } of feeds) {
      const outputs = await session.run(tensors);
      masks.push([length, validLength, ...(outputs['seen.mask']!.data as Uint8Array)]);
    }
    expect(masks).toEqual([
      [4, 4, 1, 1, 1, 1],
      [4, 4, 1, 1, 1, 1],
      [4, 2, 1, 1, 0, 0],
    ]);
    await session.release();
  });

  test('of several ranks is told with its rows over all of them', async () => {
    const lengths = async (shardRank: number) =>
      (
        await all(
          digits
            .stream({ shardRank, numShards: 3 })
            .globalBatch(4)
            .toOrtFeeds({ session: modelOf(dynamic), ort, maskInput: 'mask' }),
        )
      ).map(({ length, validLength, globalLength }) => [length, validLength, globalLength]);
    const [first, second, third] = [await lengths(0), await lengths(1), await lengths(2)];
    expect(first.map((_, step) => [first, second, third].map((rank) => rank[step]?.[1]))).toEqual([
      [2, 1, 1],
      [2, 1, 1],
      [1, 1, 0],
    ]);
    for (const rank of [first, second, third]) expect(rank.map(([, , global]) => global)).toEqual([4, 4, 2]);
  });

  test('is refused for one of a fixed size otherwise, with what to do', () => {
    const session = modelOf(fixed.slice(0, 1));
    const bind = (stream: { toOrtFeeds: unknown }) => () =>
      (stream as ReturnType<typeof shuffledBatches>).toOrtFeeds({ session, ort });
    const shuffledBatches = () => digits.stream().batch(4);
    expect(bind(digits.stream().batch(4))).toThrow(
      /input label: .*fewer rows: stream\.batch\(4, \{ remainder: 'drop' \}\)/u,
    );
    expect(bind(digits.stream().batch(5, { remainder: 'drop' }))).toThrow(/batches have 5 rows: stream\.batch\(4/u);
    expect(bind(digits.stream().batch(4, { remainder: 'drop' }))).not.toThrow();
    expect(bind(digits.stream().batch(4, { remainder: 'pad' }))).not.toThrow();
  });

  test('is not learned from: a training step needs a mask for padding', () => {
    const session = modelOf([...dynamic, input('W', 'float32', [2])], ['W.out', 'loss']);
    const stream = () => digits.stream().batch(4, { remainder: 'pad' });
    expect(() => stream().toOrtFeeds({ session, ort, inputs: { label: 'label' } })).toThrow(/maskInput: 'mask'/u);
    expect(() => stream().toOrtFeeds({ session, ort, maskInput: 'mask' })).not.toThrow();
  });
});

test('every dtype that onnxruntime has is fed as it is, strings too', async () => {
  const dtypes = ['bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float16', 'float32', 'float64'] as const; // prettier-ignore
  const schema = Object.fromEntries([...dtypes.map((dtype) => [dtype, field(dtype)]), ['string', field('string')]]);
  const valueOf = (dtype: string, n: number) =>
    dtype === 'bool' ? n > 1 : dtype === 'string' ? `ü${n}` : dtype.endsWith('int64') ? BigInt(n) : n;
  const records = [1, 2, 3].map((n) => Object.fromEntries(Object.keys(schema).map((d) => [d, valueOf(d, n)])));
  const data: DataRef = await fromRecords(records, { schema });
  const session = await openEcho(Object.keys(schema).map((dtype) => input(dtype, dtype as 'bool', ['N'])));
  const [batch] = await all(data.stream().batch(3).toOrtFeeds({ session, ort }));
  const outputs = await session.run(batch!.feeds);
  for (const dtype of Object.keys(schema)) {
    expect([dtype, outputs[`seen.${dtype}`]!.type]).toEqual([dtype, dtype]);
    const wanted = dtype === 'float16' ? [0x3c00, 0x4000, 0x4200] : [1, 2, 3].map((n) => valueOf(dtype, n));
    const got = Array.from(outputs[`seen.${dtype}`]!.data as ArrayLike<unknown>);
    expect(got).toEqual(dtype === 'bool' ? [0, 1, 1] : wanted);
  }
  await session.release();
});

test('padded ragged columns that share a dimension must have one size in each batch', async () => {
  const rows = (lengths: readonly number[], others: readonly number[]) =>
    fromRecords(
      lengths.map((n, i) => ({
        a: ndarray(new Int32Array(n), [n]),
        b: ndarray(new Int32Array(others[i]!), [others[i]!]),
      })),
      { schema: { a: field('int32', [null]), b: field('int32', [null]) } },
    );
  const session = modelOf([input('a', 'int32', ['N', 'L']), input('b', 'int64', ['N', 'L'])]);
  const feedsOf = async (lengths: number[], others: number[]) =>
    (await rows(lengths, others)).stream().batch(2, { ragged: 'pad' }).toOrtFeeds({ session, ort });
  const [first] = await all(await feedsOf([1, 3], [3, 2]));
  expect([first!.feeds['a']!.dims, first!.feeds['b']!.dims]).toEqual([
    [2, 3],
    [2, 3],
  ]);
  await expect(all(await feedsOf([1, 3], [2, 2]))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    details: { input: 'b', column: 'b' },
    message: expect.stringContaining('L would be 3 for input a and 2 for this one'),
  });
});

test('a batch that does not fit is not passed over: the stream stands before it, prefetched or not', async () => {
  let isWhole = false;
  const cut = () =>
    digits
      .stream()
      .batch(2)
      .map(({ step, columns: { label } }) => ({
        y: step === 2 && !isWhole ? ndarray(label.data.slice(0, 2), [2, 1]) : ndarray(label.data.slice(), [2]),
      }));
  for (const batches of [cut(), cut().prefetch({ batches: 3 })]) {
    isWhole = false;
    const feeds = toOrtFeeds(batches as any, { session: modelOf([input('y', 'int64', ['N'])]), ort });
    const seen: unknown[] = [];
    const take = async () => {
      for await (const batch of feeds) seen.push(...dataOf(batch, 'y'));
    };
    await expect(take()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { input: 'y', column: 'y' } });
    expect(seen).toEqual([-3n, -2n, -1n, 0n]);
    isWhole = true;
    feeds.resume(feeds.state);
    await take();
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => BigInt(i - 3)));
  }
});

test('tensors are made by the onnxruntime that was given, and by no other', async () => {
  const made = new WeakSet<object>();
  const construct = (target: typeof Tensor, given: unknown[]): object => {
    const tensor = Reflect.construct(target, given) as object;
    made.add(tensor);
    return tensor;
  };
  const own = { Tensor: new Proxy(Tensor, { construct }) };
  const feeds = shuffled()
    .batch(4)
    .toOrtFeeds({ session: modelOf(model), ort: own, inputs });
  for (const { feeds: tensors } of await all(feeds))
    for (const tensor of Object.values(tensors)) expect(made.has(tensor)).toBe(true);
});
