import { describe, expect, test } from '@jest/globals';
import { planRanges, type PlannedRange, type RangePlanLimits, type Span } from '../../dist/store/range-plan.js';
import { announceSeed, randomOf, runs } from '../scale.js';

const span = (start: number, end: number): Span => ({ start, end });
const shown = (planned: readonly PlannedRange[]): string[] =>
  planned.map(({ start, end, serves }) => `${start}-${end}: ${serves.join(' ')}`);

describe('a plan of ranges', () => {
  test.each<[string, Span[], string[]]>([
    ['nothing', [], []],
    ['empty spans', [span(3, 3), span(0, 0)], []],
    ['one', [span(5, 9)], ['5-9: 0']],
    ['a gap of 10', [span(0, 5), span(15, 20)], ['0-20: 0 1']],
    ['a gap of 11', [span(0, 5), span(16, 20)], ['0-5: 0', '16-20: 1']],
    ['in any order', [span(30, 40), span(0, 10), span(10, 20)], ['0-40: 1 2 0']],
    ['repeated and overlapping', [span(0, 8), span(4, 12), span(0, 8), span(5, 6)], ['0-12: 0 2 1 3']],
    ['joined up to 100', [span(0, 60), span(60, 100), span(101, 110)], ['0-100: 0 1', '101-110: 2']],
    ['split at 100', [span(0, 250), span(20, 30), span(240, 260)], ['0-100: 0 1', '100-200: 0', '200-260: 0 2']],
    ['an overlap beyond 100', [span(0, 80), span(50, 140)], ['0-80: 0 1', '80-140: 1']],
  ])('of %s', (_, spans, expected) => {
    expect(shown(planRanges(spans, { gapBytes: 10, maxBytes: 100 }))).toEqual(expected);
  });

  test('covers every byte once, reads no more than gaps besides, and tells whom each serves', () => {
    const seed = announceSeed('range plans');
    for (let run = 0; run < runs(20_000); run++) {
      const random = randomOf(seed + run);
      const upTo = (most: number): number => Math.floor(random() * (most + 1));
      const limits = { gapBytes: upTo(20), maxBytes: 1 + upTo(60) };
      const spans = Array.from({ length: upTo(12) }, () => {
        const start = upTo(200);
        return span(start, start + upTo(run % 2 === 0 ? 8 : 150));
      });
      expect({ run, broken: brokenPromises(planRanges(spans, limits), spans, limits) }).toEqual({ run, broken: [] });
    }
  });
});

/** What a plan should be and is not. */
function brokenPromises(planned: readonly PlannedRange[], spans: readonly Span[], limits: RangePlanLimits): string[] {
  const broken = new Set<string>();
  const expectThat = (holds: boolean, what: string): void => void (holds || broken.add(what));
  const asked = new Uint8Array(500);
  const read = new Uint8Array(500);
  for (const { start, end } of spans) asked.fill(1, start, end);
  for (const [i, { start, end, serves }] of planned.entries()) {
    for (let at = start; at < end; at++) (read[at] as number)++;
    expectThat(end > start && end - start <= limits.maxBytes, 'at most maxBytes');
    expectThat(asked[start] === 1 && asked[end - 1] === 1, 'begins and ends with what was asked for');
    expectThat(longestGap(asked.subarray(start, end)) <= limits.gapBytes, 'no longer gap is read');
    const served = spans.flatMap((one, place) => (Math.max(start, one.start) < Math.min(end, one.end) ? [place] : []));
    expectThat(serves.toSorted((a, b) => a - b).join() === served.join(), 'serves whom it touches');
    const next = planned[i + 1];
    if (next === undefined) continue;
    expectThat(end <= next.start, 'in order');
    const couldBeOne = next.start - end <= limits.gapBytes && next.end - start <= limits.maxBytes;
    expectThat(!couldBeOne || next.start === end, 'neighbours over a small gap are one');
  }
  expectThat(
    asked.every((one, at) => one <= (read[at] as number)),
    'reads all that was asked for',
  );
  expectThat(
    read.every((times) => times <= 1),
    'reads nothing twice',
  );
  return [...broken];
}

function longestGap(asked: Uint8Array): number {
  let longest = 0;
  for (let at = 0, gap = 0; at < asked.length; at++) {
    gap = asked[at] === 1 ? 0 : gap + 1;
    longest = Math.max(longest, gap);
  }
  return longest;
}
