import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { concatStreams, defineDataRef, field, fromRecords, mix, parseState, zip, type Batch, type DataRef, type StreamState } from '@dataref/core'; // prettier-ignore
import { fitted } from '../../dist/stream/state-size.js';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { storageOver } from '../storage/stored.js';
import { gather, range, through } from './gather.js';

const seed = announceSeed('state-size');
const bytesOf = (state: StreamState): number => Buffer.byteLength(JSON.stringify(state));

type Node = StreamState['node'];
const number = (most: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(0, most), fc.integer({ min: 0, max: most }));
const large = number(2 ** 53 - 1);
const epoch = number(1e6);
/** As long as a stored dataset's may be, of characters that take the most in JSON too. */
const name = fc.oneof(
  fc.constantFrom('', 'a', 'a'.repeat(120), '"'.repeat(120), '€'.repeat(40), '😀'.repeat(30), '…'.repeat(40)),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
const fingerprint = fc.oneof(fc.constant(`sha256:${'e'.repeat(64)}`), fc.string({ maxLength: 3000 }));

function sourceOf(inJoin: boolean): fc.Arbitrary<Node> {
  const alone = fc.record({ shards: fc.integer({ min: 1, max: 2 ** 31 - 1 }), isLocal: fc.boolean() });
  return fc
    .record({
      dataset: fc.record({ id: name, version: name, fingerprint, length: large }),
      algorithm: fc.constantFrom('sequential', 'numpy', 'permutation'),
      seed: number(2 ** 52),
      reshuffle: fc.boolean(),
      world: inJoin ? fc.constant({ shards: 1, isLocal: false }) : alone,
      epoch,
      position: large,
    })
    .map(({ dataset, algorithm, seed: drawn, reshuffle, world, epoch: at, position }) => {
      const order = { algorithm, seed: drawn, reshuffle, shardBeforeShuffle: world.isLocal ? [world.shards - 1, world.shards] : null }; // prettier-ignore
      return { kind: 'source', dataset, order, numShards: world.shards, epoch: at, position } as Node;
    });
}

const steps = fc.array(
  fc.oneof(
    fc.record({ name: fc.constantFrom('batch', 'take', 'skip', 'repeat', 'unbatch'), count: large }),
    fc.record({ name: fc.string({ maxLength: 300 }).map((id) => `filter:${id}`), count: fc.constant(0) }),
    fc.record({ name: fc.constant('window(65536,1024)'), count: number(9999) }),
  ),
  { maxLength: 8 },
);
const joined = fc.integer({ min: 1, max: 30 }).chain((inputs) =>
  fc
    .record({
      name: fc.constantFrom('zip', `mix(${Array.from({ length: inputs }, () => 0.1 + 0.2).join(',')};allEnd;seed 1)`),
      epoch,
      counts: fc.array(large, { minLength: inputs, maxLength: inputs }),
      ended: fc.subarray([...Array.from({ length: inputs }).keys()]),
      inputs: fc.array(sourceOf(true), { minLength: inputs, maxLength: inputs }),
    })
    .map((join) => ({ kind: 'join' as const, ...join })),
);

/** @returns the state, and its bound */
const anyState = fc
  .record({ root: fc.oneof(sourceOf(false), joined), steps, epoch })
  .map(({ root, steps: outer, epoch: at }) => {
    const node = outer.reduce<Node>((input, step) => ({ kind: 'step', ...step, input }), root);
    const isJoin = root.kind === 'join';
    const sources = isJoin ? root.inputs.length : 1;
    const transforms = outer.length + (isJoin ? 1 : 0);
    const state: StreamState = { format: 'dataref-state', version: 1, epoch: at, node };
    return { state, bound: 512 + 300 * sources + 80 * Math.max(0, transforms - 6) };
  });

describe('a state', () => {
  test('is within its bound, whatever the ids, numbers and transforms, and what fits is not touched', () => {
    fc.assert(
      fc.property(anyState, ({ state, bound }) => {
        const fit = fitted(state);
        expect(bytesOf(fit)).toBeLessThanOrEqual(bound);
        expect(fitted(fit)).toEqual(fit);
        if (bytesOf(state) <= bound) expect(fit).toBe(state);
        expect(JSON.stringify(fit)).not.toMatch(/\\ud[89a-f]/u); // no half of a character
      }),
      { seed, numRuns: runs(5000) },
    );
  });

  const store = new MemoryStore();
  async function stored(count: number, id: (i: number) => string): Promise<DataRef[]> {
    const storage = storageOver(store);
    for (let i = 0; i < count; i++)
      await storage.submit([{ x: i }, { x: i + 1 }, { x: i + 2 }], id(i), 'v'.repeat(120));
    return Promise.all(Array.from({ length: count }, async (_, i) => storage.fetch(id(i), 'v'.repeat(120))));
  }
  const tail = (i: number) => String(i).padStart(3, '0');
  const ids = { 'of a letter': (i: number) => String.fromCharCode(97 + i), 'of 120 bytes': (i: number) => `${'a'.repeat(117)}${tail(i)}` }; // prettier-ignore

  test.each(Object.entries(ids))('over stored datasets with ids %s is within it, and resumed', async (_, id) => {
    const datasets = await stored(20, id);
    const streams = () => datasets.map((dataset, i) => dataset.stream({ shuffle: true, shuffleSeed: 2 ** 52 - i }));
    const kinds: Record<string, (count: number) => any> = {
      mix: (count) => mix(streams().slice(0, count), { weights: streams().slice(0, count).map(() => 0.1 + 0.2), until: 'allEnd' }), // prettier-ignore
      zip: (count) => zip(streams().slice(0, count)),
      concat: (count) => concatStreams(streams().slice(0, count)),
      one: () => streams()[0],
    };
    for (const [kind, make] of Object.entries(kinds))
      for (const count of kind === 'one' ? [1] : [2, 5, 20]) {
        const build = () => make(count).map((x: unknown) => x, { id: 'm'.repeat(300) }).batch(1); // prettier-ignore
        const all = (await gather<Batch>(build())).map((batch) => batch.records());
        const [first] = await gather<Batch>(build(), 1);
        const { state } = first as Batch;
        expect(bytesOf(state)).toBeLessThanOrEqual(512 + 300 * count);
        const resumed = build().resume(parseState(through(state)));
        expect(resumed.state).toEqual(state);
        expect((await gather<Batch>(resumed)).map((batch) => batch.records())).toEqual(all.slice(1));
      }
  });

  const named = (print: string) =>
    defineDataRef({ length: 9, schema: field('float64'), fingerprint: print, read: (at) => [...at] });

  test('holds the hash of a long fingerprint or id, which is told from another, and of old states all of it', async () => {
    const long = (end: string) => named('x'.repeat(2000) + end).stream().filter(() => true, { id: 'f'.repeat(2000) + end }); // prettier-ignore
    const stream = long('1');
    await gather(stream, 2);
    const { state } = stream;
    expect(bytesOf(state)).toBeLessThanOrEqual(812);
    expect(await gather(long('1').resume(through(state)))).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(() => long('2').resume(state)).toThrow(failure('STATE_PIPELINE', /filter:/));
    const other = named('x'.repeat(2000) + '2').stream().filter(() => true, { id: 'f'.repeat(2000) + '1' }); // prettier-ignore
    expect(() => other.resume(state)).toThrow(failure('STATE_MISMATCH', /dataset\.fingerprint/));
    const old = through(state) as any;
    old.node.name = `filter:${'f'.repeat(2000)}1`;
    old.node.input.dataset.fingerprint = `${'x'.repeat(2000)}1`;
    expect(await gather(long('1').resume(old))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test('of datasets in memory holds all of it', async () => {
    const records = fromRecords([1, 2]);
    const { state } = mix([(await records).stream(), range(3).stream()], { weights: [1, 2], until: 'allEnd' });
    expect(bytesOf(state)).toBeLessThanOrEqual(512 + 2 * 300);
    expect(JSON.stringify(state)).not.toContain('…');
  });
});
