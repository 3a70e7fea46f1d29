import { describe, expect, jest, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import { IGNORED_LABEL, pack, type TokenPackOptions } from '@dataref/text';
import * as fc from 'fast-check';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { gather, iterate, through } from '../../../core/test/stream/gather.js';
import { anyDocuments, documentsOf } from './document-samples.js';

const seed = announceSeed('text/pack');
jest.setTimeout(600_000);

const STRATEGIES = ['concatenate', 'best-fit'] as const;
const SEPARATOR = 0;

/** Rows as lists of numbers. */
async function rowsOf(documents: readonly number[][], options: TokenPackOptions) {
  const rows = await gather(pack(await documentsOf(documents), options));
  return rows.map(({ inputs, labels, segmentIds, positions }) => ({
    inputs: Array.from(inputs.data),
    labels: Array.from(labels.data),
    segmentIds: Array.from(segmentIds.data),
    positions: Array.from(positions.data),
  }));
}

test('two documents as rows of four, by hand', async () => {
  const ignored = IGNORED_LABEL;
  expect(
    await rowsOf(
      [
        [11, 12, 13],
        [21, 22],
      ],
      { length: 4, separator: 9 },
    ),
  ).toEqual([
    { inputs: [11, 12, 13, 9], labels: [12, 13, 9, ignored], segmentIds: [1, 1, 1, 1], positions: [0, 1, 2, 3] },
    { inputs: [21, 22, 9, 0], labels: [22, 9, ignored, ignored], segmentIds: [1, 1, 1, 0], positions: [0, 1, 2, 0] },
  ]);
  expect(
    await rowsOf(
      [
        [11, 12, 13, 9],
        [21, 22],
      ],
      { length: 3, separator: 9 },
    ),
  ).toEqual([
    { inputs: [11, 12, 13], labels: [12, 13, 9], segmentIds: [1, 1, 1], positions: [0, 1, 2] },
    { inputs: [9, 21, 22], labels: [ignored, 22, 9], segmentIds: [1, 2, 2], positions: [3, 0, 1] },
    { inputs: [9, 0, 0], labels: [ignored, ignored, ignored], segmentIds: [1, 0, 0], positions: [2, 0, 0] },
  ]);
});

describe.each(STRATEGIES)('%s', (strategy) => {
  test('has each token of each document once, with the label that follows it there', async () => {
    await fc.assert(
      fc.asyncProperty(anyDocuments, fc.integer({ min: 1, max: 9 }), async (documents, length) => {
        const whole = documents.filter((tokens) => tokens.length > 0).map((tokens) => [...tokens, SEPARATOR]);
        const rows = await rowsOf(documents, { length, strategy, separator: SEPARATOR });
        const stretches: { at: number; tokens: number[]; labels: number[] }[] = [];
        for (const { inputs, labels, segmentIds, positions } of rows) {
          expect([inputs.length, labels.length, segmentIds.length, positions.length]).toEqual(Array(4).fill(length));
          segmentIds.forEach((segment, i) => {
            if (segment === 0) {
              expect([inputs[i], labels[i], positions[i]]).toEqual([0, IGNORED_LABEL, 0]);
              return;
            }
            if (segment !== segmentIds[i - 1]) stretches.push({ at: positions[i] as number, tokens: [], labels: [] });
            const stretch = stretches.at(-1) as (typeof stretches)[number];
            expect(positions[i]).toBe(stretch.at + stretch.tokens.length);
            stretch.tokens.push(inputs[i] as number);
            stretch.labels.push(labels[i] as number);
          });
        }
        // Each document is a chain of stretches that begins at 0: all of it, and each label its next token.
        const key = (tokens: number[]) => tokens.join();
        if (strategy === 'concatenate') {
          expect(stretches.flatMap(({ tokens }) => tokens)).toEqual(whole.flat());
          expect(rows.slice(0, -1).every(({ segmentIds }) => !segmentIds.includes(0))).toBe(true);
        } else {
          const short = whole.filter((tokens) => tokens.length <= length).map(key);
          const kept = stretches.filter(({ at, tokens }) => at === 0 && tokens.at(-1) === SEPARATOR);
          expect(kept.map(({ tokens }) => key(tokens)).toSorted()).toEqual(short.toSorted());
        }
        expect(stretches.reduce((sum, { tokens }) => sum + tokens.length, 0)).toBe(whole.flat().length);
        for (const { tokens, labels } of stretches) {
          expect(labels.slice(0, -1)).toEqual(tokens.slice(1));
          expect(tokens.map((token) => token === SEPARATOR)).toEqual(labels.map((label) => label === IGNORED_LABEL));
        }
      }),
      { seed, numRuns: runs(500) },
    );
  });

  for (const numShards of [1, 2])
    for (const { name, run } of resumeSuite({
      pipeline: async () => {
        const documents = await documentsOf(LONG);
        const stream = documents.stream({ shuffle: true, shuffleSeed: 5, shardRank: numShards - 1, numShards });
        return pack(stream, {
          length: 5,
          separator: SEPARATOR,
          strategy,
          blockSize: strategy === 'best-fit' ? 3 : undefined,
        });
      },
      isUneven: numShards > 1,
    }))
      test(`${name} (of ${numShards} shards)`, run);

  test('goes on in the midst of a document with another number of shards, and leaves nothing out', async () => {
    const open = async (shardRank: number, numShards: number) =>
      pack((await documentsOf(LONG)).stream({ shuffle: true, shuffleSeed: 5, shardRank, numShards }), {
        length: 5,
        strategy,
      }).globalBatch(4);
    const wanted = (await gather(await open(0, 1))).map((batch) => batch.records());
    for (let steps = 1; steps < wanted.length; steps++) {
      const before = await open(0, 1);
      const loop = iterate(before);
      for (let step = 0; step < steps; step++) await loop.next();
      const state = through(before.state);
      await before.close();
      const ranks = await Promise.all([0, 1].map(async (rank) => gather((await open(rank, 2)).resume(state))));
      const rest = wanted.slice(steps).map((_, step) => ranks.flatMap((batches) => batches[step]?.records() ?? []));
      expect(rest).toEqual(wanted.slice(steps));
    }
  });
});

const LONG = [
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
  [21],
  [],
  [31, 32, 33, 34, 35, 36, 37, 38],
  [41, 42],
  [51, 52, 53],
];

test.each([
  [{ length: 0 }, /length/u],
  [{ length: 4, separator: -1 }, /separator/u],
  [{ length: 4, strategy: 'best' }, /strategy/u],
  [{ length: 4, sequenceLength: 4 }, /"sequenceLength"/u],
])('refuses %j', async (options, message) => {
  const documents = await documentsOf([[1]]);
  expect(() => pack(documents, options as never)).toThrow(failure('INVALID_ARGUMENT', message));
});

test('refuses what is no documents', () => {
  expect(() => pack([[1, 2]] as never, { length: 4 })).toThrow(failure('INVALID_ARGUMENT', /pack needs documents/u));
});
