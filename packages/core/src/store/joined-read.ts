import type { ObjectReader } from './object-store.js';
import type { RangeCall } from './range-call.js';
import type { Span } from './range-plan.js';

/** A range that a call asked for. */
export interface AskedRange extends Span {
  readonly into: Uint8Array;
  readonly call: RangeCall;
}

/**
 * A task that reads a span once and hands it out to all who asked for some of it. It is left out, or ended, when none of
 * them waits any more. It never fails: those who wait are told.
 */
export function joinedRead(reader: ObjectReader, span: Span, asked: readonly AskedRange[]): () => Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const calls = new Set(asked.map(({ call }) => call));
  let waiting = calls.size;
  for (const call of calls) {
    call.expect(() => {
      if (--waiting === 0) controller.abort();
    });
  }
  return async () => {
    if (waiting === 0) return;
    const sole = soleOf(asked, span);
    const bytes = sole?.into.subarray(span.start - sole.start, span.end - sole.start) ?? new Uint8Array(lengthOf(span));
    sole?.call.beginWriting();
    let failure: { readonly reason: unknown } | undefined;
    try {
      await reader.read(bytes, span.start, { signal });
    } catch (reason) {
      failure = { reason };
    }
    for (const { start, end, into, call } of sole === undefined && failure === undefined ? asked : []) {
      if (call.isOver) continue;
      const from = Math.max(start, span.start);
      into.set(bytes.subarray(from - span.start, Math.min(end, span.end) - span.start), from - start);
    }
    for (const call of calls) {
      if (failure !== undefined) call.fail(failure.reason);
      else call.arrive();
    }
    sole?.call.endWriting();
  };
}

/** The range that alone is served by a read, and so can be read into without a copy. */
function soleOf(asked: readonly AskedRange[], { start, end }: Span): AskedRange | undefined {
  const [range] = asked;
  return asked.length === 1 && range !== undefined && range.start <= start && end <= range.end ? range : undefined;
}

function lengthOf({ start, end }: Span): number {
  return end - start;
}
