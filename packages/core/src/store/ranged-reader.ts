import { type Body, awaitAnswer, fillFromBody } from './body.js';
import { IDLE_TIMEOUT_MS, watched } from './idle-watch.js';
import type { IoOptions, ObjectReader } from './object-store.js';
import { readEach } from './read-each.js';
import { cutOff, generationGone, otherSize, silent, truncated, wrongAnswer } from './store-errors.js';

/** Bytes `start` to `end`, half-open, of one object. */
export interface RangeRequest {
  readonly start: number;
  readonly end: number;
  /** Where it is known: only this version will do, and the server is to say so where it has another. */
  readonly version: string | undefined;
  readonly signal: AbortSignal;
}

/** What a server said to a request of a range, as it said it: it is checked here. */
export interface RangeAnswer {
  readonly status: number;
  /** The header of that name, `bytes 0-99/1000`. */
  readonly contentRange: string | undefined;
  /** Names the content; undefined where the server has no such thing, and a change cannot be seen. */
  readonly version: string | undefined;
  readonly body: Body;
}

export interface RangedObject {
  readonly key: string;
  readonly byteLength: number;
  /** The version to read, where it is known. Else it is that of the first answer. */
  readonly version?: string | undefined;
  /**
   * One attempt to get a range.
   * @throws DataRefError GENERATION_GONE where the object is not there, or not in that version; transient ones
   */
  readonly fetchRange: (request: RangeRequest) => Promise<RangeAnswer>;
  /** Time in ms without a byte, after which an attempt ends; also after four times as long with less than 16 KiB. Default: 30,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * A reader over range requests that takes nothing on trust: status 206, exactly the range, the object's size and its
 * version must be as asked. One attempt a read; a transient failure says how far it came (`details.filledBytes`).
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function rangedReader(object: RangedObject): ObjectReader {
  const { key, byteLength, fetchRange, idleTimeoutMs = IDLE_TIMEOUT_MS } = object;
  let pinned = object.version;
  let isPinned = pinned !== undefined;

  const check = ({ status, contentRange, version }: RangeAnswer, start: number, end: number): void => {
    const expected = `bytes ${start}-${end - 1} of ${byteLength}`;
    if (status !== 206) throw wrongAnswer(key, expected, `status ${status} in place of 206`);
    if (isPinned && version !== pinned) throw generationGone(key);
    const [first, last, size] = parseContentRange(contentRange);
    if (size !== undefined && size !== byteLength) throw otherSize(key, size, byteLength);
    if (first !== start || last !== end - 1 || size === undefined)
      throw wrongAnswer(key, expected, first === undefined ? 'no range' : `bytes ${first}-${last}`);
    pinned = version;
    isPinned = true;
  };

  const read = async (into: Uint8Array, position: number, { signal }: IoOptions = {}): Promise<void> => {
    signal?.throwIfAborted();
    const [start, end] = [position, position + into.length];
    if (end > byteLength) throw truncated(key, end, byteLength);
    if (start === end) return;
    let filled = 0;
    const silence = (why: string): Error =>
      silent(key, `reading bytes ${start}-${end - 1}`, why, idleTimeoutMs, filled);
    await watched({ signal, idleTimeoutMs, silence }, async (watch) => {
      const asked = fetchRange({ start, end, version: pinned, signal: watch.signal });
      const answer = await awaitAnswer(asked, watch);
      watch.heard();
      try {
        check(answer, start, end);
      } catch (error) {
        answer.body.cancel();
        throw error;
      }
      const bodyEnd = await fillFromBody(answer.body, into, watch, (bytes) => (filled = bytes));
      if (bodyEnd.kind === 'whole') return;
      if (bodyEnd.kind === 'long') throw wrongAnswer(key, `bytes ${start}-${end - 1}`, 'more bytes');
      if (bodyEnd.kind === 'broken') throw cutOff(key, filled, into.length, bodyEnd.error);
      throw cutOff(key, filled, into.length);
    });
  };

  return {
    byteLength,
    read,
    readRanges: (ranges, options) => readEach(read, ranges, options),
    close: async () => undefined,
  };
}

/** First byte, last byte and size of the whole; none where the header is not of that form. */
function parseContentRange(header: string | undefined): readonly (number | undefined)[] {
  const found = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/u.exec(header ?? '');
  return found === null ? [] : found.slice(1).map(Number);
}
