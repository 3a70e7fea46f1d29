/** Bytes of an object, from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface RangePlanLimits {
  /** Spans with so many bytes between them, or fewer, are read as one. */
  readonly gapBytes: number;
  /** Spans are joined up to this length, and longer ones are split. At least 1. */
  readonly maxBytes: number;
}

/** One request, and which of the spans that were asked for (by their place) it serves. */
export interface PlannedRange extends Span {
  readonly serves: readonly number[];
}

/**
 * Few requests for many spans of one object: in order, none overlapping another, none longer than `maxBytes`, beginning
 * and ending with bytes that were asked for. Every byte that was asked for is in one of them. Empty spans are in none.
 */
export function planRanges(spans: readonly Span[], limits: RangePlanLimits): PlannedRange[] {
  const order = Array.from(spans.keys())
    .filter((place) => lengthOf(spans[place] as Span) > 0)
    .sort((a, b) => (spans[a] as Span).start - (spans[b] as Span).start);
  const planned = join(
    order.map((place) => spans[place] as Span),
    limits,
  );
  const serves: number[][] = planned.map(() => []);
  let first = 0;
  for (const place of order) {
    const { start, end } = spans[place] as Span;
    while ((planned[first] as Span).end <= start) first++;
    for (let i = first; i < planned.length && (planned[i] as Span).start < end; i++) serves[i]?.push(place);
  }
  return planned.map((span, i) => ({ ...span, serves: serves[i] as number[] }));
}

/** @param spans by their starts, none empty */
function join(spans: readonly Span[], { gapBytes, maxBytes }: RangePlanLimits): Span[] {
  const joined: Span[] = [];
  let start = 0;
  let end = -Infinity; // of what is being joined
  for (const span of spans) {
    if (span.end <= end) continue;
    const isNear = span.start - end <= gapBytes;
    if (isNear && span.end - start <= maxBytes) {
      end = span.end;
      continue;
    }
    if (end > start) joined.push({ start, end });
    start = Math.max(span.start, end);
    end = span.end;
    for (; end - start > maxBytes; start += maxBytes) joined.push({ start, end: start + maxBytes });
  }
  if (end > start) joined.push({ start, end });
  return joined;
}

function lengthOf({ start, end }: Span): number {
  return end - start;
}
