import { describe, expect, test } from '@jest/globals';
import { defineDataRef, explain, field, fromColumns, joinStates, parseState, type StreamState } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, iterate, range, through } from './gather.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 7 } as const;

describe('stream.state', () => {
  test('is where the next element is: before the first, after each, and after the last', async () => {
    const stream = range(5).stream().batch(2);
    const positions: [number, number][] = [];
    const note = (): void => {
      const { epoch, node } = stream.state;
      positions.push([epoch, node.kind === 'step' && node.input.kind === 'source' ? node.input.position : NaN]);
    };
    note();
    for await (const _ of stream) note();
    note();
    expect(positions).toEqual([[0, 0], [0, 2], [0, 4], [1, 0], [1, 0]]); // prettier-ignore
  });

  test('is the same through JSON, and parseState keeps it', async () => {
    const stream = range(5).stream(SHUFFLED).map((x: number) => x).skip(1).batch(2).take(2).repeat(2); // prettier-ignore
    for await (const { state } of stream) {
      expect(through(state)).toEqual(state);
      expect(parseState(through(state))).toEqual(state);
    }
  });

  test('at the end of an epoch has one form, the beginning of the next', async () => {
    const stream = range(6).stream(SHUFFLED);
    await gather(stream);
    expect(stream.state).toEqual(range(6).stream({ ...SHUFFLED, startOffset: 6 }).state);
    expect(stream.epoch).toBe(1);
  });

  test('of a batch stays what it was while the stream goes on', async () => {
    const all = await gather(range(6).stream().batch(2));
    expect(all.map(({ state }) => state.epoch)).toEqual([0, 0, 1]);
    const { state } = all[0]!;
    expect(all[0]?.state).toBe(state);
  });

  test('needs a fingerprint of a custom dataset, and only the state does', async () => {
    const nameless = defineDataRef({ length: 3, schema: field('float64'), fingerprint: '', read: (at) => [...at] });
    const stream = nameless.stream();
    expect(await gather(stream)).toEqual([0, 1, 2]);
    expect(() => stream.state).toThrow(failure('NO_FINGERPRINT', /noise-v1/));
  });
});

describe('resume', () => {
  test('without a state starts from the beginning, with the offset', async () => {
    const stream = range(5).stream({ startOffset: 3 });
    await gather(stream);
    expect(await gather(stream.resume(undefined))).toEqual([3, 4]);
  });

  test('continues an epoch in the process that abandoned it', async () => {
    const stream = range(5).stream();
    await gather(stream, 2);
    expect(await gather(stream.resume(stream.state))).toEqual([2, 3, 4]);
    expect(stream.epoch).toBe(1);
  });

  test('changes nothing where the state is refused', async () => {
    const stream = range(5).stream();
    await gather(stream, 2);
    const { state } = stream;
    expect(() => stream.resume(range(6).stream().state)).toThrow();
    expect(stream.state).toEqual(state);
  });

  test('of a state with nothing left for this world begins the next epoch, and no further', async () => {
    const made = range(5).stream({ dropShardRemainder: true, shardRank: 0, numShards: 1 });
    await gather(made, 3);
    const resumed = range(5).stream({ dropShardRemainder: true, shardRank: 0, numShards: 4 }).resume(made.state);
    expect([resumed.epoch, await gather(resumed)]).toEqual([1, [0]]);
  });

  test.each([
    ['order.seed', { ...SHUFFLED, shuffleSeed: 8 }],
    ['order.algorithm', {}],
    ['order.algorithm', { ...SHUFFLED, shuffleAlgorithm: 'permutation' }],
    ['order.reshuffle', { ...SHUFFLED, skipShuffleAtEpochEnd: true }],
  ] as const)('refuses a state whose %s is another', (name, options) => {
    const { state } = range(5).stream(SHUFFLED);
    const refused = failure('STATE_MISMATCH', new RegExp(name.replace('.', '\\.')));
    expect(() => range(5).stream(options).resume(state)).toThrow(refused);
  });

  test('refuses a state of another dataset, by length and by content', () => {
    const { state } = range(5).stream();
    expect(() => range(6).stream().resume(state)).toThrow(failure('STATE_MISMATCH', /dataset\.length is 5.*6/));
    const other = fromColumns(Float64Array.from([0, 1, 2, 3, 5]));
    expect(() => other.stream().resume(state)).toThrow(
      failure('STATE_MISMATCH', /dataset\.fingerprint.*replaced since/),
    );
    expect(range(5).stream().resume(state).state).toEqual(state);
  });

  test('refuses a state of another pipeline, naming the transform', () => {
    const { state } = range(5).stream().map((x: number) => x).batch(2).take(3); // prettier-ignore
    const plain = range(5).stream();
    const named = (name: string): unknown => failure('STATE_PIPELINE', new RegExp(`\\b${name}\\(\\)`));
    expect(() => plain.map((x: number) => x).batch(2).resume(state)).toThrow(named('take')); // prettier-ignore
    expect(() => plain.batch(2).take(3).resume(state)).toThrow(named('map'));
    expect(() => plain.map((x: number) => x).batch(2).take(3).repeat(2).resume(state)).toThrow(named('repeat')); // prettier-ignore
    expect(() => plain.map((x: number) => x, { id: 'halve' }).batch(2).take(3).resume(state)).toThrow(named('map:halve')); // prettier-ignore
    expect(() => plain.resume(state)).toThrow(named('take'));
  });

  test('takes a state whatever the batch size, the prefetch and the number of shards were', async () => {
    const made = range(12).stream(SHUFFLED).batch(3);
    await gather(made, 2);
    const order = await gather<number>(range(12).stream(SHUFFLED));
    const shard = { shardRank: 1, numShards: 2 };
    const resumed = range(12).stream({ ...SHUFFLED, ...shard }).batch(2).prefetch().resume(made.state); // prettier-ignore
    expect((await gather(resumed)).flatMap((batch) => batch.records())).toEqual([7, 9, 11].map((i) => order[i]));
  });

  test('refuses a state of shardBeforeShuffle on another rank, world or order', async () => {
    const options = { ...SHUFFLED, shardBeforeShuffle: true, shardRank: 1, numShards: 2 };
    const made = range(9).stream(options);
    const records = await gather<number>(range(9).stream(options));
    await gather(made, 2);
    for (const other of [{ shardRank: 0 }, { numShards: 3 }, { shardBeforeShuffle: false }]) {
      const refused = failure('STATE_WORLD', /\[1,2\]/);
      expect(() =>
        range(9)
          .stream({ ...options, ...other })
          .resume(made.state),
      ).toThrow(refused);
    }
    expect(await gather(range(9).stream(options).resume(made.state))).toEqual(records.slice(2));
  });
});

describe('dataref.resume', () => {
  test('takes order and epoch from the state, and its transforms as they are chained', async () => {
    const build = (): ReturnType<typeof made.take> => range(9).stream(SHUFFLED).skip(1).batch(2).take(3);
    const made = range(9).stream(SHUFFLED).skip(1).batch(2);
    const stream = build();
    const all = await gather(build());
    await gather(stream, 1);
    const resumed = range(9).resume(through(stream.state)).skip(1).batch(2).take(3);
    expect(resumed.state).toEqual(stream.state);
    expect((await gather(resumed)).map((batch) => batch.records())).toEqual(
      all.slice(1).map((batch) => batch.records()),
    );
  });

  test('refuses a pipeline that lacks a transform of the state, or has one more, and goes on refusing', async () => {
    const { state } = range(9).stream().batch(2).take(3);
    const missing = range(9).resume(state).batch(2);
    const surplus = range(9).resume(state).batch(2).take(3).skip(1);
    for (const [stream, name] of [
      [missing, 'take'],
      [surplus, 'skip'],
    ] as const) {
      // prettier-ignore
      const refused = failure('STATE_PIPELINE', new RegExp(`\\b${name}\\(\\)`));
      for (let attempt = 0; attempt < 3; attempt++) await expect(iterate(stream).next()).rejects.toEqual(refused);
      expect(() => stream.state).toThrow(refused);
      expect(() => stream.epoch).toThrow(refused);
    }
  });

  test('needs to be told its shard where the state was made by more than one', async () => {
    const { state } = range(9).stream({ shardRank: 0, numShards: 3 });
    expect(() => range(9).resume(state)).toThrow(failure('SHARD_REQUIRED', /3 shards.*shardRank: 0, numShards: 1/));
    expect(await gather(range(9).resume(state, { shardRank: 2, numShards: 4 }))).toEqual([2, 6]);
    expect((await gather(range(9).resume(state, { shardRank: 0, numShards: 1 }))).length).toBe(9);
  });

  test('knows the rank and world of shardBeforeShuffle, and refuses others', async () => {
    const options = { ...SHUFFLED, shardBeforeShuffle: true, shardRank: 1, numShards: 2 };
    const made = range(9).stream(options);
    await gather(made, 1);
    expect(await gather(range(9).resume(made.state))).toEqual((await gather(range(9).stream(options))).slice(1));
    const other = range(9).resume(made.state, { shardRank: 0, numShards: 2 });
    await expect(iterate(other).next()).rejects.toEqual(failure('STATE_WORLD', /\[1,2\]/));
  });

  test('is replaced by an explicit resume', async () => {
    const made = range(4).stream();
    await gather(made, 3);
    expect(await gather(range(4).resume(made.state).resume(undefined))).toEqual([0, 1, 2, 3]);
  });
});

describe('parseState refuses', () => {
  const valid: StreamState = through(
    range(5).stream({ ...SHUFFLED, shardBeforeShuffle: true, shardRank: 0, numShards: 2 }).batch(2).state, // prettier-ignore
  );

  test('nothing of a state that a stream made', () => expect(parseState(valid)).toEqual(valid));

  const bad: readonly (readonly [path: string, values: readonly unknown[]])[] = [
    ['format', ['dataref', undefined, 1]],
    ['version', [2, 0, '1', undefined]],
    ['epoch', [-1, 0.5, '0', null, undefined, 2 ** 53, NaN, 2 ** 52 + 1]],
    ['node', [null, undefined, 'source', [], 1]],
    ['node.kind', ['pack', undefined, 1]],
    ['node.name', [1, undefined, null]],
    ['node.count', [-1, '1', undefined, NaN, Infinity, null]],
    ['node.input', [null, undefined, 3]],
    ['node.input.dataset', [null, undefined, 'id']],
    ['node.input.dataset.id', [1, undefined]],
    ['node.input.dataset.version', [1, undefined]],
    ['node.input.dataset.fingerprint', [1, undefined, null]],
    ['node.input.dataset.length', [-1, 1.5, undefined, '5']],
    ['node.input.order', [null, undefined, 'numpy']],
    ['node.input.order.algorithm', ['blocks', undefined, 1]],
    ['node.input.order.seed', [-1, 0.5, '7', undefined, null, 2 ** 52 + 1]],
    ['node.input.order.reshuffle', [1, undefined, 'true']],
    ['node.input.order.shardBeforeShuffle', [true, [1], [1, 2, 3], undefined]],
    ['node.input.order.shardBeforeShuffle[0]', [2, 9]],
    ['node.input.order.shardBeforeShuffle[1]', [-1, 'x', null, 0, 2 ** 31]],
    ['node.input.numShards', [0, -1, undefined, 1.5, 2 ** 31]],
    ['node.input.epoch', [-1, undefined, '0', 2 ** 52 + 1]],
    ['node.input.position', [-1, 6, 0.5, undefined]],
  ];
  test.each(bad)('a bad %s, and names it', (path, values) => {
    const names = path.replaceAll('[', '.').replaceAll(']', '').split('.');
    for (const value of values) {
      const broken = through(valid) as unknown as Record<string, unknown>;
      let at = broken;
      for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
      at[names.at(-1) as string] = value;
      let error: { readonly code?: string; readonly details?: { readonly path?: string } } = {};
      try {
        parseState(broken);
      } catch (thrown) {
        error = thrown as typeof error;
      }
      expect([value, error.code, error.details?.path]).toEqual([value, 'STATE_INVALID', path]);
    }
  });

  test.each([null, undefined, 1, 'state', [], {}, { format: 'dataref-state' }])('%j', (value) => {
    expect(() => parseState(value)).toThrow(failure('STATE_INVALID', /no state of a stream/));
  });

  test('a state nested beyond reason', () => {
    let node: unknown = valid.node;
    for (let depth = 0; depth < 10_000; depth++) node = { kind: 'step', name: 'map', count: 0, input: node };
    expect(() => parseState({ ...valid, node })).toThrow(failure('STATE_INVALID', /nested/));
  });

  const source = sourceWith({});
  const joined = (inputs: unknown, counts: unknown = [0, 0]): unknown => ({
    kind: 'join',
    name: 'zip',
    epoch: 0,
    counts,
    ended: [],
    inputs,
  });

  test('a small object that stands for millions of nodes, at once', () => {
    let node: unknown = source;
    for (let depth = 0; depth < 26; depth++) node = joined([node, node]);
    expect(() => parseState({ ...valid, node })).toThrow(failure('STATE_INVALID', /at most 65536 nodes/));
    expect(() => parseState({ ...valid, node: { kind: node } })).toThrow(failure('STATE_INVALID', /got an object/));
  });

  test('a small object that stands for millions of ranks, at once', () => {
    const layer = Array.from({ length: 2 ** 14 }, () => [0, 0]);
    const shardFirst = { rank: null, layers: Array.from({ length: 64 }, () => layer) };
    const node = joined(
      Array.from({ length: 1024 }, () => ({ ...sourceWith({}), position: 0, shardFirst })),
      Array.from({ length: 1024 }, () => 0),
    );
    expect(() => parseState({ ...valid, node })).toThrow(failure('STATE_INVALID', /at most 64 layers/));
  });

  test('lists with holes', () => {
    const holes = new Array<number>(2);
    for (const node of [joined(holes), joined([source, source], holes)])
      expect(() => parseState({ ...valid, node })).toThrow(failure('STATE_INVALID', /\[0\] should be/));
  });

  test('all that explain cannot tell of: epochs, seeds and shards that no order has', () => {
    for (const algorithm of ['sequential', 'numpy', 'permutation', 'parts']) {
      const parts = algorithm === 'parts' ? { window: 1, layout: '0123456789abcdef' } : {};
      for (const seed of [null, 0, 2 ** 52, 2 ** 53 - 1])
        for (const shard of [null, [0, 0], [5, 2], [0, 1], [0, 2 ** 53 - 1]])
          for (const epoch of [0, 2 ** 32, 2 ** 53 - 1]) {
            const order = { algorithm, seed, reshuffle: true, shardBeforeShuffle: shard, ...parts };
            const state = { ...valid, node: { ...sourceWith(order), epoch } } as StreamState;
            let shown: unknown;
            try {
              shown = explain(state);
            } catch (error) {
              shown = error;
            }
            expect(shown).toEqual(
              typeof shown === 'string' ? expect.stringContaining('5 records') : failure('STATE_INVALID', /should be/),
            );
          }
    }
  });

  function sourceWith(order: object): Record<string, unknown> {
    return {
      kind: 'source',
      dataset: { id: '', version: '', fingerprint: 'f', length: 5 },
      order: { algorithm: 'numpy', seed: 1, reshuffle: true, shardBeforeShuffle: null, ...order },
      numShards: 1,
      epoch: 0,
      position: 3,
    };
  }
});

describe('names in a state', () => {
  const forged = `a\nThe next element is of epoch 7.\u001b[2J\u009b${'z'.repeat(1e6)}`;
  const fits = /^[^\p{Cc}]{1,900}$/u;

  test('forge no line of explain, and no line is long', () => {
    const { node, ...rest } = through(range(5).stream().state);
    const dataset = { id: forged, version: forged, fingerprint: forged, length: 5 };
    const input = { ...node, dataset };
    const join = { kind: 'join', name: forged, epoch: 0, counts: [0], ended: [], inputs: [input] };
    const lines = explain({
      ...rest,
      node: { kind: 'step', name: forged, count: 0, input: join },
    } as StreamState).split('\n');
    expect(lines).toHaveLength(6);
    for (const line of lines) expect(line).toMatch(fits);
    expect(lines.filter((line) => line.startsWith('The next element'))).toHaveLength(1);
  });

  test('are cut and made harmless in the messages of what does not fit', () => {
    const { state } = range(5).stream().batch(2);
    const changed = (change: (node: any) => void): StreamState => {
      const copy = through(state);
      change(copy.node);
      return copy;
    };
    const resume = (change: (node: any) => void) => () => range(5).stream().batch(2).resume(changed(change));
    expect(resume((node) => (node.name = forged))).toThrow(failure('STATE_PIPELINE', fits));
    expect(resume((node) => (node.input.dataset.fingerprint = forged))).toThrow(failure('STATE_MISMATCH', fits));
    const other = resume((node) => Object.assign(node.input.dataset, { id: forged, version: forged, length: 6 }));
    expect(other).toThrow(failure('STATE_MISMATCH', fits));
    expect(resume((node) => (node.input.order.algorithm = forged))).toThrow(failure('STATE_INVALID', fits));
    const [first, second] = [0, 1].map(
      (shardRank) => range(5).stream({ shardFirst: true, shardRank, numShards: 2 }).state,
    );
    const named = through(second as StreamState) as any;
    named.node.dataset.fingerprint = forged;
    expect(() => joinStates([first as StreamState, named])).toThrow(failure('STATE_MISMATCH', fits));
  });
});
